"""Examples of contacts in the documentation of the profile API."""

from __future__ import annotations

from typing import Any

SESSION = "1f0e3dad-9990-4f3e-8d2b-1e0c5a7b9c11"
CONTACT: dict[str, Any] = {
    "externalCustomerId": "customer-17",
    "firstName": "Ada",
    "lastName": "Lovelace",
    "languageCode": "en",
    "timeZone": "Europe/London",
    "address": {
        "region": "Greater London",
        "town": "London",
        "address": "12 St James's Square",
        "postcode": "SW1Y 4JH",
    },
    "channels": [{"type": "email", "value": "ada@example.com"}, {"type": "sms", "value": "447700900017"}],
    "fields": [{"id": 12345, "value": "WELCOME-7Q"}],
    "groups": [{"name": "Newsletter"}],
}
SHOWN: dict[str, Any] = {
    "id": 17,
    "firstName": "Ada",
    "lastName": "Lovelace",
    "address": CONTACT["address"],
    "channels": CONTACT["channels"],
    "fields": CONTACT["fields"],
    "groups": [{"id": 3, "name": "Newsletter", "type": "Static"}],
    "addressBookId": 1,
}
SUBSCRIPTION: dict[str, Any] = {
    "contact": {"firstName": "Ada", "channels": [{"type": "email", "value": "ada@example.com"}]},
    "groups": ["Newsletter"],
    "formType": "footer",
}
BULK: dict[str, Any] = {
    "contacts": [{"channels": [{"type": "email", "value": "ada@example.com"}], "firstName": "Ada"}],
    "dedupeOn": "email",
    "groupNames": ["Newsletter"],
    "restoreDeleted": False,
}
