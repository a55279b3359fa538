"""The file tools, in the words that recorded sessions use."""

import os
import threading
from pathlib import Path
from typing import Any

import pytest

from refold.actors.runner.executor.bounded import within
from refold.actors.runner.executor.editor import Editor
from refold.actors.runner.executor.text_file import Unreadable
from refold.actors.runner.executor.viewer import read


@pytest.fixture
def editor(tmp_path: Path) -> Editor:
    return Editor(workspace=str(tmp_path))


def view(workspace: Path, path: str, view_range: list[int] | None = None) -> str:
    content: str = read({"path": path, "view_range": view_range}, workspace=str(workspace))["content"]
    return content


def test_a_file_is_shown_with_line_numbers(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n\ttwo\nthree")
    shown = view(tmp_path, "/workspace/a.txt")
    assert shown == (
        "Here's the result of running `cat -n` on /workspace/a.txt:\n"
        "     1\tone\n     2\t\ttwo\n     3\tthree\n"
    )
    assert view(tmp_path, "a.txt", [2, 2]).endswith(":\n     2\t\ttwo\n")
    assert view(tmp_path, "a.txt", [2, -1]).endswith(":\n     2\t\ttwo\n     3\tthree\n")
    assert view(tmp_path, str(tmp_path / "a.txt"), [3, 99]).endswith(":\n     3\tthree\n")


@pytest.mark.parametrize("view_range", [[0, 1], [4, 5], [2, 1], [1], [1, 2, 3]])
def test_a_range_outside_the_file_is_refused(tmp_path: Path, view_range: list[int]) -> None:
    (tmp_path / "a.txt").write_text("one\ntwo\nthree\n")
    with pytest.raises(Unreadable, match="Invalid `view_range`"):
        view(tmp_path, "a.txt", view_range)


def test_a_long_file_is_clipped_before_it_is_numbered(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("0123456789\n" * 5000)
    shown = view(tmp_path, "a.txt")
    assert "<response clipped><NOTE>" in shown
    assert len(shown) < 16_000 * 2


def test_a_folder_is_shown_two_levels_deep_without_hidden_entries(tmp_path: Path) -> None:
    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    (tmp_path / "a" / "f.txt").touch()
    (tmp_path / ".git").mkdir()
    (tmp_path / ".hidden").touch()
    lines = view(tmp_path, "/workspace").splitlines()[1:]
    assert lines == ["/workspace/", "/workspace/a/", "/workspace/a/b/", "/workspace/a/f.txt"]


def test_what_cannot_be_shown_says_why(tmp_path: Path) -> None:
    (tmp_path / "binary").write_bytes(b"\x7fELF\0\0")
    os.mkfifo(tmp_path / "pipe")
    for path, why in (("no", "does not exist"), ("binary", "is binary"), ("pipe", "not a regular file")):
        with pytest.raises(Unreadable, match=why):
            view(tmp_path, path)


def test_create_makes_a_file_and_its_folders_but_never_overwrites(editor: Editor, tmp_path: Path) -> None:
    action = {"command": "create", "path": "/workspace/new/a.txt", "file_text": "text\n"}
    assert editor.edit(action) == {
        "kind": "edit",
        "path": "/workspace/new/a.txt",
        "content": "File created successfully at: /workspace/new/a.txt",
        "existed": False,
        "old_content": None,
        "new_content": "text\n",
    }
    assert (tmp_path / "new" / "a.txt").read_text() == "text\n"
    with pytest.raises(Unreadable, match=r"File already exists at: /workspace/new/a\.txt"):
        editor.edit(action | {"file_text": "other"})
    assert (tmp_path / "new" / "a.txt").read_text() == "text\n"


def test_str_replace_shows_the_lines_around_the_change(editor: Editor, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("".join(f"line {number}\n" for number in range(1, 21)))
    edited = editor.edit(
        {"command": "str_replace", "path": "a.txt", "old_str": "line 10\n", "new_str": "ten\nand more\n"}
    )
    assert edited["content"] == (
        "The file a.txt has been edited. Here's the result of running `cat -n` on a snippet of a.txt:\n"
        "     7\tline 7\n     8\tline 8\n     9\tline 9\n    10\tten\n    11\tand more\n"
        "    12\tline 11\n    13\tline 12\n    14\tline 13\n    15\tline 14\n    16\tline 15\n    17\t\n"
        "Review the changes and make sure they are as expected. Edit the file again if necessary."
    )
    assert edited["existed"]
    assert edited["new_content"] == edited["old_content"].replace("line 10", "ten\nand more")


def test_str_replace_needs_exactly_one_match_and_names_the_others(editor: Editor, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("x\ny\nx\n")
    replace = {"command": "str_replace", "path": "a.txt", "new_str": "z"}
    with pytest.raises(Unreadable) as absent:
        editor.edit(replace | {"old_str": "a\nb"})
    assert str(absent.value) == (
        "No replacement was performed, old_str `a\nb` did not appear verbatim in a.txt."
    )
    with pytest.raises(Unreadable, match="2 times, on the lines 1, 3"):
        editor.edit(replace | {"old_str": "x"})
    with pytest.raises(Unreadable, match="the same"):
        editor.edit(replace | {"old_str": "z"})
    with pytest.raises(Unreadable, match="empty"):
        editor.edit(replace | {"old_str": ""})
    assert (tmp_path / "a.txt").read_text() == "x\ny\nx\n"


@pytest.mark.parametrize(
    ("before", "line", "text", "after"),
    [
        ("a\nb\n", 0, "new", "new\na\nb\n"),
        ("a\nb\n", 1, "new\nmore\n", "a\nnew\nmore\nb\n"),
        ("a\nb\n", 2, "new", "a\nb\nnew\n"),
        ("a", 1, "new", "a\nnew"),
        ("", 0, "new", "new\n"),
        ("a\n", 0, "", "\na\n"),
    ],
)
def test_insert_puts_lines_after_a_line(  # noqa: PLR0913, PLR0917 - a table
    editor: Editor, tmp_path: Path, before: str, line: int, text: str, after: str
) -> None:
    (tmp_path / "a.txt").write_text(before)
    editor.edit({"command": "insert", "path": "a.txt", "insert_line": line, "new_str": text})
    assert (tmp_path / "a.txt").read_text() == after


def test_insert_outside_the_file_is_refused(editor: Editor, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a\nb\n")
    for line in (-1, 3):
        with pytest.raises(Unreadable, match="Invalid `insert_line`"):
            editor.edit({"command": "insert", "path": "a.txt", "insert_line": line, "new_str": "x"})


def test_undo_goes_back_one_edit_at_a_time(editor: Editor, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n")
    for old, new in (("one", "two"), ("two", "three")):
        editor.edit({"command": "str_replace", "path": "a.txt", "old_str": old, "new_str": new})
    undo = {"command": "undo_edit", "path": "/workspace/a.txt"}
    assert "undone" in editor.edit(undo)["content"]
    assert (tmp_path / "a.txt").read_text() == "two\n"
    editor.edit(undo)
    assert (tmp_path / "a.txt").read_text() == "one\n"
    with pytest.raises(Unreadable, match="a new runner begins with none"):
        editor.edit(undo)


@pytest.mark.parametrize(
    ("action", "missing"),
    [
        ({"command": "create"}, "file_text"),
        ({"command": "str_replace"}, "old_str"),
        ({"command": "insert", "new_str": "x"}, "insert_line"),
        ({"command": "insert", "insert_line": 0}, "new_str"),
    ],
)
def test_a_missing_argument_is_named(
    editor: Editor, tmp_path: Path, action: dict[str, Any], missing: str
) -> None:
    path = "new.txt" if action["command"] == "create" else "a.txt"
    (tmp_path / "a.txt").touch()
    with pytest.raises(Unreadable, match=f"Parameter `{missing}` is required for command"):
        editor.edit(action | {"path": path})


def test_line_ends_permissions_links_and_odd_bytes_survive_an_edit(editor: Editor, tmp_path: Path) -> None:
    file = tmp_path / "a.sh"
    file.write_bytes(b"one\r\ntwo\r\n\xff\r\n")
    file.chmod(0o755)
    (tmp_path / "link").symlink_to("a.sh")
    edited = editor.edit({"command": "str_replace", "path": "link", "old_str": "one\ntwo", "new_str": "1\n2"})
    assert file.read_bytes() == b"1\r\n2\r\n\xff\r\n"
    assert file.stat().st_mode & 0o777 == 0o755
    assert (tmp_path / "link").is_symlink()
    assert edited["new_content"] == "1\n2\n\ufffd\n"


def test_write_replaces_lines_and_by_default_the_whole_file(editor: Editor, tmp_path: Path) -> None:
    editor.write({"path": "a.txt", "content": "a\nb\nc\n"})
    assert (tmp_path / "a.txt").read_text() == "a\nb\nc\n"
    editor.write({"path": "a.txt", "content": "B", "start": 1, "end": 2})
    assert (tmp_path / "a.txt").read_text() == "a\nB\nc\n"


def test_a_very_large_edit_leaves_its_contents_out_of_the_record(editor: Editor, tmp_path: Path) -> None:
    edited = editor.edit({"command": "create", "path": "big", "file_text": "x" * 1_100_000})
    assert "new_content" not in edited
    assert (tmp_path / "big").stat().st_size == 1_100_000


def test_b23_a_file_system_that_hangs_gives_control_back() -> None:
    released = threading.Event()

    def hang() -> dict[str, Any]:
        released.wait()
        return {}

    with pytest.raises(Unreadable, match=r"did not end within 0.05 seconds. It may still take effect"):
        within(0.05, hang)
    released.set()
    assert within(5.0, lambda: {"kind": "read"}) == {"kind": "read"}


def test_b23_what_goes_wrong_within_the_time_is_told_as_it_is(tmp_path: Path) -> None:
    with pytest.raises(Unreadable, match="does not exist"):
        within(5.0, lambda: read({"path": "none"}, workspace=str(tmp_path)))
