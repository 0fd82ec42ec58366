"""CSV files as people have them: separators, several columns, lines without a number, no names."""

import pytest

from gradschool.data.series.csv_file import has_column, read_csv
from gradschool.data.series.open import open_series, read_series
from gradschool.errors import UserError

MONTHS = [f"19{49 + i // 12}-{i % 12 + 1:02d}" for i in range(30)]


def written(path, *lines, ending="\n"):
    path.write_text(ending.join(lines), encoding="utf-8")
    return path


@pytest.mark.parametrize("separator", [",", ";", "\t"])
@pytest.mark.parametrize("ending", ["\n", "\r\n"])
def test_a_file_is_read_whatever_its_separator_and_ending(tmp_path, separator, ending):
    lines = ['"date"{}"sold"', *(f"{month}{{}}{i}.5" for i, month in enumerate(MONTHS)), ""]
    file = written(tmp_path / "a.csv", *(line.format(separator) for line in lines), ending=ending)
    found = read_csv(file)
    assert found.name == "sold" and found.values == [i + 0.5 for i in range(30)] and not found.left_out
    assert (found.times[0].year, found.times[-1].month) == (1949, 6)


@pytest.mark.parametrize("separator", [";", "\t"])
@pytest.mark.parametrize("first", ["", "sep={}\r\n"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_as_excel_writes_it_in_germany_is_read(tmp_path, separator, first, encoding):
    lines = [
        "Monat{}Anzahl",
        *(f"{month}{{}}{'1.' if i % 2 else ''}{i:03},5" for i, month in enumerate(MONTHS)),
    ]
    text = first.format(separator) + "\r\n".join(line.format(separator) for line in lines)
    (tmp_path / "a.csv").write_bytes(text.encode(encoding))
    found = read_csv(tmp_path / "a.csv")
    assert found.values == [i + 0.5 + 1000 * (i % 2) for i in range(30)] and not found.left_out


def test_a_name_may_be_broken_between_lines(tmp_path):
    lines = [f"{month},{i}" for i, month in enumerate(MONTHS)]
    file = written(tmp_path / "a.csv", 'date,"sold\nin May"', *lines)
    assert read_csv(file).name == "sold in May"


def test_an_encoding_that_is_guessed_is_told(tmp_path):
    text = "\n".join(["Monat;wärmste °C", *(f"{month};{i},5" for i, month in enumerate(MONTHS))])
    said = "a.csv is no UTF-8: it is read as Windows-1252 (Latin-1). Save it as UTF-8 if it is not."
    for encoding, notes in (("latin-1", [said]), ("cp1252", [said]), ("utf-8", [])):
        (tmp_path / "a.csv").write_bytes(text.encode(encoding))
        found = open_series(str(tmp_path / "a.csv"))
        assert found.series.name == "wärmste °C" and found.series.values[:3].tolist() == [0.5, 1.5, 2.5]
        assert found.notes == notes
    assert has_column(tmp_path / "a.csv", "wärmste °C")


def test_names_may_be_missing_and_lines_in_any_order(tmp_path):
    lines = [f"{month},{i}" for i, month in enumerate(MONTHS)]
    file = written(tmp_path / "a.csv", *reversed(lines))
    found = read_csv(file)
    assert found.name == "column 2" and found.values == list(range(30))


def test_text_columns_are_passed_over_and_a_column_is_chosen_by_name(tmp_path):
    lines = [f"{month},{'warm' if i % 2 else 'cold'},{i},{-i}" for i, month in enumerate(MONTHS)]
    file = written(tmp_path / "a.csv", "date,note,high,low", *lines)
    with pytest.raises(UserError, match=r"2 columns of numbers \(high, low\).*--set target=high"):
        read_csv(file)
    with pytest.raises(UserError, match=r"no column 'lou'; wanted: one of note, high, low.*target=low"):
        read_csv(file, "lou")
    assert read_csv(file, "low").values[1:3] == [-1, -2]
    assert has_column(file, "low") and not has_column(file, "date")
    one = written(tmp_path / "b.csv", "date,note,high", *(line.rpartition(",")[0] for line in lines))
    assert read_csv(one).name == "high"


def test_lines_without_a_value_are_counted(tmp_path):
    lines = [f"{month},{i}" for i, month in enumerate(MONTHS)]
    file = written(tmp_path / "a.csv", "date,sold", "1948-12,n/a", *lines, "", "total,435", "1951-07")
    found = read_csv(file)
    assert len(found.values) == 30
    assert found.left_out == [(2, "'n/a' is no number"), (34, "'total' is no date"), (35, "'' is no number")]
    assert open_series(str(file)).notes == ["a.csv: left out 3 lines (the first is 2: 'n/a' is no number)."]
    _, column = read_series(written(tmp_path / "b.csv", *lines, "1951-07,nan"))
    assert column.note() == "1 line (31: 'nan' is no number)"


def test_a_value_that_is_missing_in_the_middle_is_a_gap(tmp_path):
    lines = [f"{month},{'' if i == 7 else i}" for i, month in enumerate(MONTHS)]
    with pytest.raises(UserError, match="no value between 1949-07 and 1949-09; wanted: one for every month"):
        read_series(written(tmp_path / "a.csv", "date,sold", *lines))


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"", "is empty; wanted: a CSV file"),
        (b"\n\n", "is empty"),
        (b"only one column\n1\n2\n", r"has one column \('only one column'\)"),
        (b"city,sold\nParis,1\nRome,2\n", "first column of .* holds 'Paris'; wanted: dates such as"),
        (b"date,sold\n", "first column of .* holds 'nothing'"),
        (b"date,sold\n1949-01,a\n1949-02,b\n", "has 0 columns of numbers; wanted: one"),
        (b"\xff\xfe\x00d", "has one column"),
    ],
)
def test_wrong_input_is_a_sentence(tmp_path, content, sentence):
    file = tmp_path / "a.csv"
    file.write_bytes(content)
    with pytest.raises(UserError, match=sentence):
        read_csv(file)


def test_what_is_no_file_is_a_sentence(tmp_path):
    with pytest.raises(UserError, match=r"cannot be read \(No such file"):
        read_csv(tmp_path / "nowhere.csv")
    with pytest.raises(UserError, match=r"cannot be read \(Is a directory"):
        read_csv(tmp_path)
    with pytest.raises(UserError, match=r"digits \(.*\) holds no series; wanted: .*CSV file"):
        open_series("digits")
