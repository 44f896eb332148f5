"""A scheme's operator (an association or an insurer): whom we enrolled and which claims we checked
or decided go out as workbooks in its columns, and its answers about each of them come back."""

from huigong.workflows.operator.answers import (
    Found,
    drop_answer,
    keep_answer,
    own_file_back,
    preview,
    summed_up,
    take_answer,
)
from huigong.workflows.operator.claims import (
    MOST_CLAIMS,
    call_back,
    send_claims,
    waiting_claims,
)
from huigong.workflows.operator.covers import answered, refuse_span, send_covers
from huigong.workflows.operator.files import hand_over
from huigong.workflows.operator.layouts import ANSWERED, FIELDS, layout_of, save_layout
from huigong.workflows.operator.replies import (
    KINDS,
    VERDICTS,
    differs,
    in_words,
    our_amount,
    ours_of,
    settle_reply,
    verdicts_for,
)

__all__ = [
    "ANSWERED",
    "FIELDS",
    "KINDS",
    "MOST_CLAIMS",
    "VERDICTS",
    "Found",
    "answered",
    "call_back",
    "differs",
    "drop_answer",
    "hand_over",
    "in_words",
    "keep_answer",
    "layout_of",
    "our_amount",
    "ours_of",
    "own_file_back",
    "preview",
    "refuse_span",
    "save_layout",
    "send_claims",
    "send_covers",
    "settle_reply",
    "summed_up",
    "take_answer",
    "verdicts_for",
    "waiting_claims",
]
