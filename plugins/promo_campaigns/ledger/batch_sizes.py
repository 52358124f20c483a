"""How many contacts one task handles, where nobody has said."""

from __future__ import annotations

XCOM_BYTES = 1_000_000
"""What a batch's contact ids and codes may take in an XCom."""
FRAME_BYTES = 200
"""What stands around them."""
LEAST_CONTACTS = 5_000
"""A batch is four tasks, and a task costs Airflow about a second of processor: in that, thousands are sent to."""


def best_batch_size(contacts: int, *, task_slots: int, contact_bytes: int) -> int:
    """Return how many contacts a batch shall have: as few batches as keep all task slots at work.

    An XCom stays under a megabyte; and where there are more batches than slots, there is a multiple of them, so that no
    slot stands idle while the last batches are worked on.

    :param contacts: of the run
    :param task_slots: how many batches can be worked on at a time, > 0
    :param contact_bytes: what the id and the code of a contact take in an XCom at most, > 0
    :returns: at least 1
    """
    most = max(1, (XCOM_BYTES - FRAME_BYTES) // contact_bytes)
    batches = max(_parts(contacts, most), min(task_slots, contacts // LEAST_CONTACTS), 1)
    if batches > task_slots:
        batches = task_slots * _parts(batches, task_slots)
    return max(1, _parts(contacts, batches))


def _parts(whole: int, size: int) -> int:
    return -(-whole // size)
