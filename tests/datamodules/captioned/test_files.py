"""Captions are read from the files of the usual data sets and from tables; what is left out is counted."""

import json
from pathlib import Path

import pytest

from core.errors import InputError
from datamodules.captioned.files import read_captions

TOKENS = "a.jpg#0\tA dog .\na.jpg#1\t\nb.jpg#0\tTwo cats .\nc.jpg.1#0\tA man .\n"
KARPATHY = {
    "images": [
        {"filename": "1.jpg", "filepath": "val2014", "split": "restval", "sentences": [{"raw": "A dog."}, {"raw": ""}]},
        {"filename": "2.jpg", "split": "test", "sentences": [{"raw": "A cat."}]},
    ]
}
COCO = {
    "images": [{"id": 7, "file_name": "007.jpg"}],
    "annotations": [
        {"image_id": 7, "caption": "A dog. "},
        {"image_id": 8, "caption": "Nobody's."},
        {"image_id": 7, "caption": " "},
    ],
}


def write(path: str, content: object) -> Path:
    """Writes a file."""
    Path(path).write_text(content if isinstance(content, str) else json.dumps(content))
    return Path(path)


def test_lines_of_flickr_are_read_and_empty_ones_are_counted() -> None:
    found = read_captions([write("x.token.txt", TOKENS)])
    assert found.captions == {"a.jpg": ["A dog ."], "b.jpg": ["Two cats ."], "c.jpg.1": ["A man ."]}
    assert found.notes == ["skipped  empty captions in x.token.txt: 1 (line 2)"]
    assert found.parts == {}


def test_lists_beside_the_file_state_parts_whatever_the_endings() -> None:
    write("Flickr_8k.trainImages.txt", "b.jpg\n")
    write("Flickr_8k.testImages.txt", "other.jpg\na.webp\n")
    assert read_captions([write("x.token.txt", TOKENS)]).parts == {"a.jpg": "test", "b.jpg": "train"}


def test_lists_tell_pictures_of_one_name_apart() -> None:
    text = "file,caption\na/1.jpg,A\nb/1.jpg,B\nb/1.png,C\nx.1.jpg,D\nx.2.jpg,E\n"
    write("train.txt", "a/1.jpg\nx.1\n")
    write("val.txt", "b/1.png\nx.2\n")
    write("test.txt", "Images/b/1.jpg\n")
    assert read_captions([write("captions.csv", text)]).parts == {
        "a/1.jpg": "train", "x.1.jpg": "train", "b/1.png": "val", "x.2.jpg": "val", "b/1.jpg": "test",
    }  # fmt: skip
    write("test.txt", "b/1\n")
    with pytest.raises(InputError, match=r"b/1 could be b/1.jpg or b/1.png of captions.csv; name it as there"):
        read_captions([Path("captions.csv")])


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("Flickr_8k.devImages.txt", "z.jpg\n", "names none of the pictures"),
        ("Flickr_8k.devImages.txt", "b.jpg\n", "names b.jpg, which is in the list of train, too"),
    ],
)
def test_lists_that_do_not_fit_are_refused(name: str, content: str, said: str) -> None:
    write("Flickr_8k.trainImages.txt", "b.jpg\n")
    write(name, content)
    with pytest.raises(InputError, match=said):
        read_captions([write("x.token.txt", TOKENS)])


def test_karpathys_file_states_parts() -> None:
    found = read_captions([write("dataset.json", KARPATHY)])
    assert found.captions == {"val2014/1.jpg": ["A dog."], "2.jpg": ["A cat."]}
    assert found.parts == {"val2014/1.jpg": "train", "2.jpg": "test"}
    assert found.notes == ["skipped  empty captions: 1"]


def test_files_of_coco_are_parts_by_their_names() -> None:
    other = {"images": [{"id": 7, "file_name": "9.jpg"}], "annotations": [{"image_id": 7, "caption": "A bird."}]}
    found = read_captions([write("captions_train2017.json", COCO), write("captions_val2017.json", other)])
    assert found.captions == {"007.jpg": ["A dog."], "9.jpg": ["A bird."]}
    assert found.parts == {"007.jpg": "train", "9.jpg": "val"}
    kinds = ("empty captions", "captions of pictures that the file does not list")
    assert found.notes == [f"skipped  {kind}: 1" for kind in kinds]
    with pytest.raises(InputError, match="whose name is to say train, val or test"):
        read_captions([write("captions_train2017.json", COCO), write("more.json", other)])


@pytest.mark.parametrize(
    ("names", "parts"),
    [
        (("coco_train", "coco_constrained_val"), {"a.jpg": "train", "b.jpg": "val"}),
        (("retrieval_train", "retrieval_test"), {"a.jpg": "train", "b.jpg": "test"}),
        (("trainCaptions", "devCaptions2"), {"a.jpg": "train", "b.jpg": "val"}),
        (("TRAIN", "Evaluation-Test"), {"a.jpg": "train", "b.jpg": "test"}),
    ],
)
def test_a_file_is_of_the_part_that_a_word_of_its_name_says(names: tuple[str, str], parts: dict[str, str]) -> None:
    """Letters within another word, such as those of `constrained`, said it as well."""
    paths = [
        write(f"{name}.csv", f"file,caption\n{key},A\n") for name, key in zip(names, ("a.jpg", "b.jpg"), strict=True)
    ]
    assert read_captions(paths).parts == parts


@pytest.mark.parametrize(("name", "said"), [("train_and_val", "it says train and val"), ("trained", "it says none of")])
def test_a_name_that_says_no_part_or_two_is_refused(name: str, said: str) -> None:
    with pytest.raises(InputError, match=f"{name}.csv: one of several files .*; {said}"):
        read_captions([write(f"{name}.csv", "file,caption\na.jpg,A\n"), write("test.csv", "file,caption\nb.jpg,B\n")])


def test_a_picture_that_two_files_name_is_refused() -> None:
    """The later file's captions would be those of both pictures, and its part that of both."""
    paths = [write(f"captions_{part}.json", COCO) for part in ("train", "val")]
    with pytest.raises(InputError, match=r"captions_val.json: names 007.jpg, which is in the captions of train, too"):
        read_captions(paths)


def test_files_of_one_part_add_captions_to_its_pictures() -> None:
    rows = {"train_a": "1.jpg,A\n2.jpg,B\n", "train_b": "1.jpg,C\n", "val": "3.jpg,D\n"}
    found = read_captions([write(f"{name}.csv", f"file,caption\n{lines}") for name, lines in rows.items()])
    assert found.captions == {"1.jpg": ["A", "C"], "2.jpg": ["B"], "3.jpg": ["D"]}
    assert found.parts == {"1.jpg": "train", "2.jpg": "train", "3.jpg": "val"}


@pytest.mark.parametrize(
    ("text", "captions"),
    [
        ('image,caption\n1.jpg,"A dog, a cat"\n1.jpg,B\n', {"1.jpg": ["A dog, a cat", "B"]}),
        ('Filename\tid\tText\na/1.jpg\t3\tIt\'s "red"\n', {"a/1.jpg": ['It\'s "red"']}),
        ("image_name| comment_number| comment\n1.jpg| 0| A dog .\n2.jpg| 4   A dog .\n", {"1.jpg": ["A dog ."]}),
    ],
)
def test_tables_are_read_by_the_names_of_their_columns(text: str, captions: dict[str, list[str]]) -> None:
    found = read_captions([write("captions.csv", text)])
    assert found.captions == captions
    odd = ["skipped  lines with other columns than the first one's in captions.csv: 1 (line 3)"]
    assert found.notes == (odd if "|" in text else [])


def test_quotes_within_a_quoted_caption_and_blanks_behind_it_are_read() -> None:
    text = """file,caption\n1.jpg,"The "big" dog"\n2.jpg,"A, b" \n3.jpg,"C\nd"\n4.jpg,E\n5.jpg,"F" g"""
    found = read_captions([write("c.csv", text)])
    assert found.captions == {
        "1.jpg": ['The big" dog"'], "2.jpg": ["A, b"], "3.jpg": ["C\nd"], "4.jpg": ["E"], "5.jpg": ["F g"],
    }  # fmt: skip
    assert found.notes == []


def test_a_column_of_a_table_states_parts() -> None:
    text = "file,caption,split\n1.jpg,A,Validation\n2.jpg,B,train\n"
    assert read_captions([write("c.csv", text)]).parts == {"1.jpg": "val", "2.jpg": "train"}
    with pytest.raises(InputError, match="line 2: 'new' is no part"):
        read_captions([write("c.csv", "file,caption,split\n1.jpg,A,new\n")])


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("c.csv", "a,b\n1,2\n", r"no column of pictures \(such as file\) in its first line; it has a, b"),
        ("c.csv", "file,b\n1,2\n", r"no column of captions \(such as caption\)"),
        ("c.csv", "file,caption\n1.jpg,\n", "no captions in it"),
        ("c.csv", "", "is empty"),
        ("c.csv", 'file,caption\n1.jpg,A\n2.jpg,"B\n3.jpg,C\n', "c.csv, line 3: unexpected end of data"),
        ("c.csv", 'file;caption\n1.jpg;"A\n2.jpg;"B"\n', "c.csv, line 2: ';' expected after '\"'"),
        ("c.csv", 'file,caption\n1.jpg,"He said "hi" and\nleft"\n', "c.csv, line 2: ',' expected after '\"'"),
        ("c.json", "{", "no JSON"),
        ("c.json", [1], "neither COCO's form"),
        ("c.json", {"images": [{"filename": "1.jpg"}]}, "neither COCO's form"),
        ("x.token", "a.jpg#0\tA dog .\na.jpg#1 no tab\n", "line 2: no tab in it"),
    ],
)
def test_files_of_other_forms_are_one_line(name: str, content: object, said: str) -> None:
    with pytest.raises(InputError, match=said):
        read_captions([write(name, content)])
