from __future__ import annotations

import comrak
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from traces.markdown_export import ExportMessage, ExportTrace, lines

TRACE = ExportTrace("Mend the totals", "claude-code", "claude-sonnet-4-5-20250929", "invoice_app")


def part(kind, **content):
    return {"type": kind, "content": content}


def exported(*messages, trace=TRACE):
    return "\n".join(lines(trace, messages))


def said(text, role="assistant"):
    return ExportMessage(role, [part("text", text=text)])


def test_the_file_has_a_title_what_is_known_and_each_message():
    text = exported(
        said("Mend the totals.", "user"),
        ExportMessage("assistant", [part("thinking", text="Hm.")]),
        said("I shall look."),
        ExportMessage(
            "assistant", [part("tool_call", callId="1", toolName="Bash", args={"command": "ls"})]
        ),
        ExportMessage(
            "assistant", [part("tool_result", callId="1", output="a.py\n", status="success")]
        ),
        ExportMessage("system", [part("error", message="API Error: 500")]),
    )
    assert text == (
        "# Trace: Mend the totals\n\n"
        "Agent: claude-code | Model: Claude Sonnet 4.5 | Project: invoice\\_app\n\n---\n\n"
        "## User\n\nMend the totals.\n\n"
        "## Assistant\n\nI shall look.\n\n"
        '### Tool: Bash\n\n**Args:**\n```json\n{\n  "command": "ls"\n}\n```\n\n'
        "**Result** (success):\n```\na.py\n```\n\n"
        "## System\n\n**Error:**\n```\nAPI Error: 500\n```"
    )


def test_what_is_not_known_is_left_out_and_nothing_has_an_empty_heading():
    text = exported(
        ExportMessage("assistant", [part("thinking", text="Hm.")]),
        ExportMessage("assistant", [part("image", url="x")]),
        ExportMessage("user", [{"type": "text", "content": None}], ""),
        ExportMessage("user", [], "  \n"),
        trace=ExportTrace("", "codex"),
    )
    assert text == "# Trace: Untitled\n\nAgent: codex\n\n---"


def test_a_message_without_parts_shows_its_text():
    assert exported(ExportMessage("user", [], "Only text")).endswith("## User\n\nOnly text")


def test_a_fence_is_longer_than_any_in_it():
    output = "```\n## User\n`````\nx\n"
    text = exported(
        ExportMessage("assistant", [part("tool_result", output=output, status="error")])
    )
    assert text.endswith(f"**Result** (error):\n``````\n{output.rstrip()}\n``````")


def test_names_are_one_line_without_markup():
    trace = ExportTrace("A\n# B <b>*c*</b> [d](e)", "x\n---", "", "`p`")
    text = exported(
        ExportMessage("assistant", [part("tool_call", toolName="a\n## User", args={})]), trace=trace
    )
    assert text.startswith(
        "# Trace: A \\# B \\<b\\>\\*c\\*\\</b\\> \\[d\\](e)\n\nAgent: x --- | Project: \\`p\\`"
    )
    assert "### Tool: a \\#\\# User" in text


def test_markdown_stays_and_its_headings_do_not_head_the_file():
    text = exported(
        said(
            "- a\n- b\n\n```py\n# no heading\n```\n## User\nTotals\n===\n<!-- hidden\n\n---\n`<b>`"
        )
    )
    assert text.endswith(
        "- a\n- b\n\n```py\n# no heading\n```\n\\## User\nTotals\n\\===\n\\<!-- hidden\n\n---\n`<b>`"
    )


def test_a_text_whose_fences_are_not_certain_is_quoted():
    for text in ("```py\nx = 1", "1. a\n   ```\n# User\n   ```", "~~~\n```\n"):
        assert exported(said(text)).endswith(
            "\n".join(f"> {line}" for line in text.rstrip("\n").split("\n"))
        )


PIECES = st.sampled_from(
    ["```", "~~~~", "`", "  ", "    ", "\t", "\n", "\n\n", "# User", "## User", "===", "---", "> ", "- ",
     "1. ", "<!--", "<pre>", "<div>", "-->", "x", "</pre>", "```py", "\r", "\u2028", "[x]: y", "|", "\\", "<?", "]]>"]
)  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(st.lists(PIECES, max_size=14).map("".join))
def test_no_text_makes_a_heading_of_the_file_or_hides_what_follows(text):
    whole = exported(said(text), said("The end.", "user"))
    options = comrak.RenderOptions()
    options.unsafe_ = True
    html = comrak.render_markdown(whole, render_options=options)
    top_level = []
    depth = 0
    for line in html.split("\n"):
        depth += line.count("<blockquote>") + line.count("<ul>") + line.count("<ol")
        if depth == 0 and line.startswith(("<h1", "<h2", "<h3")):
            top_level.append(line)
        depth -= line.count("</blockquote>") + line.count("</ul>") + line.count("</ol>")
    heads = ["<h1>Trace: Mend the totals</h1>", "<h2>Assistant</h2>", "<h2>User</h2>"]
    if not text.strip():
        heads.remove("<h2>Assistant</h2>")
    assert top_level == heads, whole
    assert html.endswith("<h2>User</h2>\n<p>The end.</p>\n"), whole


@pytest.mark.parametrize("shape", ["`", "```\n", "> ", "#", "-", "<", "- ", "\n", "=\n"])
def test_hostile_texts_take_no_longer_than_their_length(shape):
    from tests.timing import timed

    text = shape * (500_000 // len(shape))
    timed(
        lambda: exported(
            said(text), ExportMessage("assistant", [part("tool_result", output=text)])
        ),
        2,
    )
