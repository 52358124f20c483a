"""Names that nothing can have, merge tags of other products, and text that Velocity swallows, found by the check."""

from __future__ import annotations

import re
from datetime import datetime, timezone
from typing import TYPE_CHECKING

import pytest

from promo_campaigns.definitions.names.declared import read_declared, require_fields
from promo_campaigns.definitions.workflow_files import IncludeFolder, check_workflow
from promo_campaigns.delivery.rendering import WEBHOOK_NAMES, webhook_context
from promo_campaigns.model.contacts import Field
from promo_campaigns.model.errors import DefinitionError
from promo_campaigns.model.outcome import OutgoingMessage
from promo_campaigns.model.run import Recipient
from promo_campaigns.model.template_context import VALUE_NAMES, message_context

if TYPE_CHECKING:
    from pathlib import Path

FILES = {
    "workflows/sale.yaml": """\
audience: {event: OrderPaid}
promo_code: {type: Welcome, discount: 10, days: 7}
message: order_mail
""",
    "fields.yaml": """\
fields:
  Bonus points: number
  city: textfield
events:
  OrderPaid: {order: A-7, items: [{sku: 7}]}
  CartLeft: [basket]
""",
    "messages/order_mail.yaml": """\
channel: email
title: "$!first_name, a code for $order"
body: |
  #set($profile = $!data.get('profile'))
  #set($account = $data.get('points'))
  Hello ${first_name} $!{data.last_name} of $city, #if($language == 'uk')$!external_id#end
  #foreach($item in $items)$foreach.count: $item.get('sku')#end
  $account.get('balance') and $data.get('points').get('rows').get(0).title, $!data.get('Bonus points')
  #macro(row $label)$label: $discount, $promocode_type#end
  #row("of $contact_id")
  #set($until = $expiration_date.substring(0, 10))
  $promocode until ${until|$data.expiration_date} ##
  $5 off, #1 of {{ many, #hashtag, 50% or [1] {2}
html: |
  <p title="$first_name">#foreach($row in $points.rows)$row.title#end $data['promocode']</p>
options:
  unsubscribe: "https://shop.example/u?c=$contact_id&a=%D0%BF%D1%80"
  style: "big"
webhook: gateway
""",
    "data_sources/points.yaml": """\
method: GET
connection: promo_api
path: /points/$contact_id?who=$data.get('external_id')
headers:
  X-Language: "$!language"
  X-Order: "$order"
success: $answer.get('balance') >= 0
""",
    "data_sources/points.answer.json": '{"balance": 5, "rows": [{"title": "a"}, {"price": 1}]}',
    "data_sources/profile.yaml": """\
connection: promo_api
path: /contacts
records_per_request: 10
body: |
  { "contacts": [ #foreach($c in $batch)#if($foreach.index > 0),#end
    { "value": "$c.get('contact_unique_identifier')", "code": "$c.promocode",
      "points": $c.get('points').balance }#end ] }
poll:
  path: /jobs/$answer.get('job')
  done: $answer.get('state') == 'READY' && $status == 200
  failed: $answer.get('state') == 'BROKEN'
""",
    "data_sources/profile.answer.json": '{"job": "j-1"}',
    "data_sources/profile.poll.answer.json": '{"state": "READY"}',
    "data_sources/gateway.yaml": """\
connection: promo_api
path: /messages/$channel
headers:
  X-Key: "$key"
body: |
  { "to": "$locator", "subject": "$title", "text": "$data.body", "html": "$!html", "from": "$contact_id",
    "style": "$options.style", "link": "$options.get('unsubscribe')" }
""",
}
READ = re.compile(r"\$!?\{?([A-Za-z_]+)|get\('([^']+)'\)|\['([^']+)'\]|(?<=[a-z)])\.([a-z_]+)(?![a-z_]*\()")
SET = re.compile(
    r"#set\(\$[a-z]+|#foreach\(\$[a-z]+ in|#macro\(row \$[a-z]+|^path: .*?(?=\$)|example|[a-z]+\.json", re.MULTILINE
)
"""What no reference is: what the template sets itself, and words with a dot."""


def write(include: Path, **changed: str) -> IncludeFolder:
    for name, text in {**FILES, **changed}.items():
        (include / name).parent.mkdir(exist_ok=True)
        (include / name).write_text(text, encoding="utf-8")
    return IncludeFolder(include)


def misspelt() -> list[tuple[str, int, str, str]]:
    """Return each reference of the project misspelt: the file, the line, the name, and the file's text then."""
    found = []
    for file, text in FILES.items():
        if not file.endswith(".yaml") or file.startswith(("workflows", "fields")):
            continue
        passed = [range(match.start(), match.end()) for match in SET.finditer(text)]
        for match in READ.finditer(text):
            name = next(group for group in match.groups() if group)
            at = match.start(match.lastindex or 0) + max(1, len(name) // 2)
            if not any(at in span for span in passed):
                found.append((file, text.count("\n", 0, at) + 1, name, text[:at] + "x" + text[at:]))
    return found


def test_a_project_in_which_every_name_is_known_is_right(tmp_path: Path) -> None:
    check_workflow(write(tmp_path), "sale")


@pytest.mark.parametrize(
    ("file", "line", "name", "text"), misspelt(), ids=[f"{file}:{line} {name}" for file, line, name, _ in misspelt()]
)
def test_each_reference_misspelt_is_refused_by_its_line_with_the_name_that_is_meant(
    tmp_path: Path, file: str, line: int, name: str, text: str
) -> None:
    with pytest.raises(DefinitionError) as caught:
        check_workflow(write(tmp_path, **{file: text}), "sale")
    without_batch = 3  # the setting that asks for $batch is what is wrong then
    assert (caught.value.file, caught.value.line) == (file, without_batch if name == "batch" else line)
    wrong = name[: max(1, len(name) // 2)] + "x" + name[max(1, len(name) // 2) :]
    assert name == "batch" or wrong in caught.value.problem
    assert name in str(caught.value)


def test_every_kind_of_text_is_among_those_misspelt() -> None:
    assert len(misspelt()) > 50
    assert {file for file, *_ in misspelt()} == {
        file for file in FILES if file.startswith(("mess", "data")) and "json" not in file
    }


SIMPLE = "channel: mobilepush\ntitle: Hello\nbody: |\n  First line $promocode\n  "
WORKFLOW = "audience: everybody\npromo_code: {type: Welcome, discount: 10, days: 7}\nmessage: order_mail\n"


def said(include: Path, text: str, workflow: str = WORKFLOW) -> str:
    """Return what is said of a message; nothing if it is right."""
    files = {"audiences/everybody.csv": "contactId\n1\n", "workflows/sale.yaml": workflow}
    folder = write(include, **files, **{"messages/order_mail.yaml": text})
    try:
        check_workflow(folder, "sale")
    except DefinitionError as error:
        return str(error)
    return ""


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("$promo_code", "Did you mean promocode? Write $promocode"),
        ("$promoCode", "Did you mean promocode? Write $promocode"),
        ("$data.get('promocod')", "Did you mean promocode? Write $data.get('promocode')"),
        ("$!{data.promcode}", "Write $!{data.promocode}"),
        ("$FNAME", "Write $first_name"),
        ("$contact.firstName", "Write $first_name"),
        ("$bonus_points", "Did you mean Bonus points? Write $data.get('Bonus points')"),
        ("$first_name.toUpercase()", "no value has a method 'toUpercase'. Did you mean 'toUpperCase'?"),
        ('#set($name = "Hi $frist_name")', "Write $first_name"),
        ("#if($frist_name)x#end", "Write $first_name"),
        ("${frist_name|'you'}", "Write ${first_name|'you'}"),
        (r"\$promo_code", "Write $promocode"),
        ("$basket", "It is a parameter of the event CartLeft, which this campaign does not answer"),
        ("$USD", "Declare a field, or a parameter of an event, in include/fields.yaml. To print it"),
        ("$USD", "To print it as it is, write #[[$USD]]#"),
        ("#iff ($first_name)x", "there is no directive #iff. Did you mean '#if'?"),
        ("#if($first_name)a#esle b#end", "there is no directive #esle. Did you mean '#else'?"),
    ],
)
def test_a_name_that_nothing_can_have_is_refused_with_the_way_to_write_it(
    tmp_path: Path, text: str, meant: str
) -> None:
    told = said(tmp_path, SIMPLE + text)
    assert told.startswith("messages/order_mail.yaml:5: body: ")
    assert meant in told


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("#if($first_name)x#else if($last_name)y#end", "there is no directive #else if. Did you mean '#elseif'?"),
        ("#if($first_name)x#{else} if ($last_name)y#end", "there is no directive #else if"),
        ("#if($first_name)x#end if", "there is no directive #end if. Did you mean '#end'?"),
        ("#foreach($x in [1..3])$x#end foreach\n  more", "there is no directive #end foreach"),
        ("more #* and more", "'#*' begins a comment, so that 'and more' is not sent"),
        ("$expires.format('dd/mm/yyyy')", "the pattern 'dd/mm/yyyy' has minutes in mm. Write MM for the month"),
        ("$expires.format('d MMMM YYYY')", "has the year of the week in YYYY, which is another one"),
        ("#set($x = $expires.format('DD.MM.yyyy'))$x", "has the day of the year in D. Write d"),
    ],
)
def test_a_text_that_says_something_else_than_is_meant_is_refused(tmp_path: Path, text: str, told: str) -> None:
    assert told in said(tmp_path, SIMPLE + text)


@pytest.mark.parametrize(
    "text",
    [
        "#if($first_name)x#else if you like (or not)#end",
        "#if($first_name)x#end if you like",
        "$expires.format('d MMMM yyyy')",
        "$expires.format(\"d MMM 'um' HH:mm\")",
        "$expires.format('medium')",
        "$number.format('#,##0.00', $discount)",
        "#* a comment *# and #[[#*]]#",
        "follow @shop_name, #spring_sale, -20 %, snake_case_word, <b>x</b>, 5 __ 6, ((see below)), {$discount %}",
        "https://shop.example/a-first_name/b_c?x=@first_name#top_name",
    ],
)
def test_a_text_that_only_looks_like_a_mistake_is_right(tmp_path: Path, text: str) -> None:
    assert said(tmp_path, SIMPLE + text) == ""


@pytest.mark.parametrize(
    ("tag", "meant"),
    [
        ("{{first_name}}", "$first_name"),
        ("{$first_name}", "$first_name"),
        ("[FIRST NAME]", "$first_name"),
        ("[first_name | default:friend]", "$first_name"),
        ("__FIRST_NAME__", "$first_name"),
        ("@@firstname@@", "$first_name"),
        ("((coupon))", "$promocode"),
        ("<first_name>", "$first_name"),
        ("&lt;promo_code&gt;", "$promocode"),
        ("@first_name", "$first_name"),
        ("#first_name", "$first_name"),
        ("{{ first_name }}", "$first_name"),
        ("{{{first_name}}}", "$first_name"),
        ("{{ contact.FIRSTNAME | default: 'you' }}", "$first_name"),
        ("{{lead.First Name:default=you}}", "$first_name"),
        ("{{${first_name}}}", "$first_name"),
        ("{{customer.last_name}}", "$last_name"),
        ("{% if vip %}", "the name as this product has it"),
        ("*|FNAME|*", "$first_name"),
        ("*|COUPON_CODE|*", "$promocode"),
        ("%FIRSTNAME%", "$first_name"),
        ("https://shop.example/?c=%CODE%", "$promocode"),
        ("%%first_name%%", "$first_name"),
        ("%recipient.first_name%", "$first_name"),
        ("[[code]]", "$promocode"),
        ('[[data:firstname:""]]', "$first_name"),
        ("{!Contact.FirstName}", "$first_name"),
        ("<%= first_name %>", "$first_name"),
        ("<<name>>", "$first_name"),
        ("##first_name##", "$first_name"),
        ("{name}", "$first_name"),
        ("$(first_name)", "$first_name"),
        ("$[first_name]", "$first_name"),
        ("#{first_name}", "$first_name"),
        ("[% first_name %]", "$first_name"),
        ("%(first_name)s", "$first_name"),
        ("[firstname,fallback=friend]", "$first_name"),
    ],
)
def test_a_merge_tag_of_another_product_is_refused_with_the_way_to_write_it(
    tmp_path: Path, tag: str, meant: str
) -> None:
    told = said(tmp_path, SIMPLE + f"Dear {tag}")
    assert told.startswith("messages/order_mail.yaml:5: body: ")
    assert meant in told or "'##' begins a comment" in told


@pytest.mark.parametrize(
    "text",
    [
        "$5 off, US$ 20, 100$",
        "{{ and { or [",
        "#1 of #hashtag, 50% or 20 % off",
        "[1] {2} [sic] {a} [link](https://shop.example)",
        "https://shop.example/?q=%D0%BF%D1%80&c=$promocode",
        "#[[{{first_name}} costs $USD ##1]]#",
        "## a comment on a line of its own",
        "#set($x = 1) ## and one behind a directive",
        "#* {{a}} $b *#",
        "<style>@media print { p { color: red } }</style>",
        "#foreach($i in [1..3])$i $foreach.hasNext #set($last = $i)#end $last",
        "#define($block)$later#end#set($later = 1)$block",
    ],
)
def test_text_that_is_meant_as_text_passes(tmp_path: Path, text: str) -> None:
    assert said(tmp_path, SIMPLE + text) == ""


@pytest.mark.parametrize("title", ["{{first_name}}", "[[code]]", "*|FNAME|*", "%FNAME%", "{{first_name}}, your code"])
def test_a_merge_tag_without_quotes_is_told_to_be_put_between_quotes(tmp_path: Path, title: str) -> None:
    told = said(tmp_path, f"channel: mobilepush\ntitle: {title}\nbody: $promocode\n")
    assert told.startswith("messages/order_mail.yaml:2: ")
    assert "between quotes" in told


def test_text_behind_two_hash_signs_is_refused_for_velocity_takes_it_for_a_comment(tmp_path: Path) -> None:
    told = said(tmp_path, SIMPLE + "Your code ##1: $promocode")
    assert "order_mail.yaml:5: body: '##' begins a comment, so that '1: $promocode' is not sent" in told


def test_a_message_that_never_shows_the_code_is_refused_unless_the_workflow_says_so(tmp_path: Path) -> None:
    text = "channel: mobilepush\nbody: Hello $first_name\n"
    told = said(tmp_path, text)
    assert told.startswith("messages/order_mail.yaml:2: the message never shows the promo code. Write $promocode")
    assert said(tmp_path, text, WORKFLOW + "shows_code: false\n") == ""
    assert said(tmp_path, text + "options: {link: 'https://shop.example/?c=$promocode'}\n") == ""


def test_an_answer_that_nobody_declared_is_refused(tmp_path: Path) -> None:
    folder = write(tmp_path)
    (tmp_path / "data_sources" / "points.answer.json").unlink()
    with pytest.raises(DefinitionError) as caught:
        check_workflow(folder, "sale")
    assert caught.value.file == "data_sources/points.yaml"
    assert "Write an example of the answer into data_sources/points.answer.json" in str(caught.value)


@pytest.mark.parametrize(("name", "told"), [("session", ""), ("sesion", "poll.path: $answer.sesion reads 'sesion'")])
def test_the_path_of_a_poll_reads_what_an_example_of_the_first_answer_holds(
    tmp_path: Path, name: str, told: str
) -> None:
    polled = FILES["data_sources/profile.yaml"].partition("poll:")[0] + f"poll:\n  path: /status/$answer.{name}\n"
    files = {"data_sources/profile.yaml": polled, "data_sources/profile.answer.json": '{"session": "s-1"}'}
    files["data_sources/profile.poll.answer.json"] = '{"status": "FINISHED"}'
    try:
        check_workflow(write(tmp_path, **files), "sale")
        found = ""
    except DefinitionError as error:
        found = str(error)
    assert told in found
    assert bool(told) is bool(found)
    assert not told or "Did you mean session?" in found


def test_the_names_that_the_check_knows_are_those_that_templates_get() -> None:
    recipient = Recipient(
        contact_id=1,
        resend_counter=0,
        fields=None,
        external_id="C-1",
        first_name="Ann",
        last_name="Lee",
        language="uk",
        time_zone="Europe/Kyiv",
        locator="a@shop.example",
        code="A",
        code_type="Welcome",
        discount=10,
        expires_at=datetime(2030, 1, 1, tzinfo=timezone.utc),
    )
    assert set(message_context(recipient)) == {*VALUE_NAMES, "data"}
    message = OutgoingMessage(
        contact_id=1, channel="email", locator="a@shop.example", title="t", body="b", idempotency_key="k"
    )
    assert set(webhook_context(message)) == {*WEBHOOK_NAMES, "data"}


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("field:\n  city: textfield\n", "fields.yaml:1: there is no setting 'field'. Did you mean 'fields'?"),
        (
            "fields:\n  city: textfeld\n",
            "fields.yaml:2: a field cannot be of the type 'textfeld'. Did you mean 'text",
        ),
        ("events:\n  OrderPaid: order\n", "fields.yaml:2: the parameters of an event are a list of names"),
        ("fields: [city]\n", "fields.yaml:1: 'fields' must map names"),
    ],
)
def test_a_wrong_declaration_is_told_by_its_line(tmp_path: Path, text: str, told: str) -> None:
    (tmp_path / "fields.yaml").write_text(text, encoding="utf-8")
    with pytest.raises(DefinitionError) as caught:
        read_declared(tmp_path)
    assert str(caught.value).startswith(told)


def test_declared_fields_that_are_read_are_those_of_the_store(tmp_path: Path) -> None:
    write(tmp_path)
    declared = read_declared(tmp_path)
    points = Field(field_id=1, name="Bonus points", type="number", description="")
    require_fields(declared, {"Bonus points"}, [points])
    with pytest.raises(DefinitionError, match=r"fields\.yaml:3: the store has no field 'city'.* promo contacts field"):
        require_fields(declared, {"Bonus points", "city"}, [points])
    text = Field(field_id=1, name="Bonus points", type="textfield", description="")
    with pytest.raises(DefinitionError, match=r"fields\.yaml:2: .* of the type 'textfield' in the store, not 'number'"):
        require_fields(declared, {"Bonus points"}, [text])


def test_a_variant_in_another_language_is_checked_as_the_message_is(tmp_path: Path) -> None:
    same = FILES["messages/order_mail.yaml"].replace("channel: email\n", "").replace("webhook: gateway\n", "")
    variant = {"messages/order_mail.uk.yaml": same}
    check_workflow(write(tmp_path, **variant), "sale")
    variant["messages/order_mail.uk.yaml"] = same.replace("$discount", "$discont")
    with pytest.raises(DefinitionError, match=r"^messages/order_mail\.uk\.yaml:.*Did you mean discount\?"):
        check_workflow(write(tmp_path, **variant), "sale")


def test_a_tool_of_the_language_is_known_and_no_merge_tag_is_taken_for_it(tmp_path: Path) -> None:
    body = FILES["messages/order_mail.yaml"].replace("big", "[sic] $number.format('0', $discount) $esc.url($promocode)")
    check_workflow(write(tmp_path, **{"messages/order_mail.yaml": body}), "sale")
