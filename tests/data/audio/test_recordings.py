"""Recordings, their parts, a person's folder of them, their features and batches."""

import io
import zipfile

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import signal
from tones import RATE, WORDS, folder, in_floats, tone, wav

from gradschool.data.audio.batches import Spoken, in_order
from gradschool.data.audio.change import Change, changed, masked
from gradschool.data.audio.features import Features, summaries
from gradschool.data.audio.open import Wished, open_recordings
from gradschool.data.audio.parts import in_parts, of_classes
from gradschool.data.audio.recordings import Recordings
from gradschool.data.catalogue import find
from gradschool.data.examples import as_it_was, inventory
from gradschool.data.sets.audio import spoken_digits
from gradschool.errors import UserError

PATTERN = "_([^_]+)_"


def some(lengths, speakers=(), names=(), classes=("a", "b")):
    waves = [torch.full((n,), i + 1, dtype=torch.int16) for i, n in enumerate(lengths)]
    return Recordings.of(waves, [i % len(classes) for i in range(len(waves))], classes, RATE, speakers, names)


@given(lengths=st.lists(st.integers(0, 9), min_size=1, max_size=8), data=st.data())
def test_taking_and_joining_keep_every_sample(lengths, data):
    whole = some(lengths, [f"s{i}" for i in range(len(lengths))], [f"n{i}" for i in range(len(lengths))])
    index = torch.tensor(data.draw(st.lists(st.integers(0, len(lengths) - 1), max_size=6)), dtype=torch.int64)
    part = whole.take(index)
    assert [part.wave(i).tolist() for i in range(len(part))] == [whole.wave(int(i)).tolist() for i in index]
    assert part.names == tuple(f"n{int(i)}" for i in index) and len(part.content()) == len(index)
    both = part.joined([whole], None)
    assert len(both) == len(part) + len(whole) and both.lengths.tolist() == [*part.lengths.tolist(), *lengths]
    for i in range(len(whole)):
        assert torch.equal(both.wave(len(part) + i), whole.wave(i))
    x, found = whole.padded(torch.arange(len(whole)))
    for row, n, i in zip(x, found.tolist(), range(len(whole)), strict=True):
        assert row[:n].mul(32768).tolist() == whole.wave(i).tolist() and not row[n:].any()


def test_labels_of_other_classes_are_counted_anew():
    whole = some([1, 2, 3, 4], classes=("a", "b", "c"))
    assert whole.joined([], ["c", "a"]).labels.tolist() == [1, -1, 0, 1]
    kept = of_classes(whole, ["c", "a"])
    assert (kept.classes, kept.labels.tolist(), kept.lengths.tolist()) == (("c", "a"), [1, 0, 1], [1, 3, 4])
    with pytest.raises(UserError, match="words has 'd'; wanted: two or more of a, b, c"):
        of_classes(whole, ["a", "d"])


@given(n=st.integers(3, 9), val=st.floats(0, 0.9), test=st.floats(0.05, 0.9), seed=st.integers(0, 9))
def test_no_voice_is_in_two_parts(n, val, test, seed):
    who = [f"s{i % n}" for i in range(3 * n)]
    train, held, tested, told = in_parts(some([1] * 3 * n, who), val, test, seed)
    parts = [set(part.speakers) for part in (train, held, tested) if part is not None]
    assert sum(map(len, parts)) == n == len(set().union(*parts)) and all(parts)
    assert told[0].startswith("Tested on s") and "trained without" in told[0]
    assert set(in_parts(some([1] * 3 * n, who), val, test, seed + 1)[2].speakers) == set(tested.speakers)


def test_speakers_can_be_named_and_a_wrong_name_is_told():
    whole = some([1] * 6, ["ann", "bob", "cat"] * 2)
    assert set(in_parts(whole, 0.0, 0.3, 0, ["bob"])[2].speakers) == {"bob"}
    with pytest.raises(UserError, match="nobody is called 'bib'; wanted: some of ann, bob, cat"):
        in_parts(whole, 0.0, 0.3, 0, ["bib"])
    with pytest.raises(UserError, match="all 3 speakers are tested on"):
        in_parts(whole, 0.0, 0.3, 0, ["ann", "bob", "cat"])


def test_without_speakers_recordings_are_held_out_and_that_is_said():
    train, held, tested, told = in_parts(some([1] * 20), 0.25, 0.2, 0)
    assert (len(train), len(held), len(tested)) == (12, 4, 4) and tested.labels.bincount().tolist() == [2, 2]
    assert told[0].startswith("No speakers are known: the parts share voices")


def test_a_folder_of_ones_own_tells_what_it_changed_and_left_out(tmp_path):
    place = folder(tmp_path / "words")
    (place / "rise" / "broken.wav").write_bytes(b"RIFF")
    (place / "rise" / "song.mp3").write_bytes(b"ID3")
    (place / "alone.wav").write_bytes(wav(tone("rise")))
    wide = np.tile(tone("stay", rate=16000)[:, None], 2)
    (place / "stay" / "stay_s0_wide.wav").write_bytes(wav(wide, 16000, channels=2))
    splits = open_recordings(place, Wished(speaker=PATTERN, test=0.25))
    reasons = dict(splits.skipped)
    assert reasons["alone.wav"] == "lies in no class folder" and reasons["rise/song.mp3"] == "is no WAV file"
    assert reasons["rise/broken.wav"].startswith("its header is damaged") and len(reasons) == 3
    assert splits.train.classes == ("fall", "rise", "stay") and splits.train.rate == RATE
    assert (len(splits.train), len(splits.test)) in ((54, 19), (55, 18)) and len(
        set(splits.test.speakers)
    ) == 1
    told = " ".join(splits.notes)
    assert "1 file is mixed down from 2 channels: stay/stay_s0_wide.wav." in told
    assert "1 file is resampled from 16,000 to 8,000 Hz: stay/stay_s0_wide.wav." in told


def test_floating_point_is_read_and_what_is_too_loud_is_told(tmp_path):
    place = folder(tmp_path / "words")
    for name, factor in (("quiet", 1), ("loud", 4), ("louder", 8)):
        samples = factor * tone("stay", seed=factor)
        (place / "stay" / f"stay_s0_{name}.wav").write_bytes(in_floats(samples))
    clipped = sum(int((abs(f * tone("stay", seed=f).astype("<f4")) > 1).sum()) for f in (4, 8))
    splits = open_recordings(place, Wished(speaker=PATTERN, test=0.25))
    assert not splits.skipped
    first = "stay/stay_s0_loud.wav"
    assert f"2 files are clipped ({clipped:,} samples in all); the first: {first}." in splits.notes


def test_copies_of_a_recording_are_left_out_and_told(tmp_path):
    """In one class the first stays; in two classes nobody knows which is right, so none does."""
    place = folder(tmp_path / "words", each=3)
    (place / "rise" / "z_again.wav").write_bytes((place / "rise" / "rise_s0_0.wav").read_bytes())
    (place / "fall" / "elsewhere.wav").write_bytes((place / "stay" / "stay_s1_1.wav").read_bytes())
    splits = open_recordings(place, Wished(val=0.2))
    said = dict(splits.skipped)
    assert said == {
        "rise/z_again.wav": "is the same recording as rise/rise_s0_0.wav",
        "fall/elsewhere.wav": "the same recording lies in fall and stay",
        "stay/stay_s1_1.wav": "the same recording lies in fall and stay",
    }
    names = [name for part in splits.parts.values() for name in part.names]
    assert len(names) == len(set(names)) == 3 * 4 * 3 - 1 and not said.keys() & set(names)


def test_a_zip_is_as_good_as_a_folder(tmp_path):
    place = folder(tmp_path / "words", each=3)
    with zipfile.ZipFile(tmp_path / "words.zip", "w") as archive:
        for file in sorted(place.rglob("*.wav")):
            archive.write(file, f"words/{file.relative_to(place)}")
    one, other = (open_recordings(p, Wished(speaker=PATTERN)) for p in (place, tmp_path / "words.zip"))
    assert torch.equal(one.train.samples, other.train.samples) and one.train.speakers == other.train.speakers


@pytest.mark.parametrize(
    ("wished", "words"),
    [
        (Wished(speaker="("), r"speaker is '\(' .*wanted: a regular expression"),
        (Wished(speaker="^xyz"), "which fits no file such as fall/fall_s0_0.wav"),
        (Wished(words=("rise", "jump")), "words has 'jump'"),
    ],
)
def test_wishes_that_cannot_be_met_are_sentences(tmp_path, wished, words):
    with pytest.raises(UserError, match=words):
        open_recordings(folder(tmp_path / "words", 2, 2), wished)


def test_folders_without_words_are_sentences(tmp_path):
    with pytest.raises(UserError, match="no WAV file that could be used"):
        open_recordings(tmp_path)
    (tmp_path / "one").mkdir()
    (tmp_path / "one" / "a.wav").write_bytes(wav(tone("rise")))
    with pytest.raises(UserError, match=r"has one class \(one\)"):
        open_recordings(tmp_path)
    with pytest.raises(UserError, match=r"names .* holds no recordings; wanted: a set of recordings"):
        open_recordings("names")


def test_a_grown_folder_keeps_a_runs_own_parts(tmp_path):
    place = folder(tmp_path / "words", each=3)
    before = inventory(open_recordings(place, Wished(speaker=PATTERN)))
    (place / "rise" / "rise_s0_new.wav").write_bytes(wav(tone("rise", 650)))
    again = as_it_was(open_recordings(place, Wished(speaker=PATTERN)), before, before["classes"])
    assert inventory(again)["parts"] == before["parts"] and "1 new" in " ".join(again.notes)


def words(n=12, seed=0, level=1.0):
    waves = [level * tone(WORDS[i % 3], 400 + 30 * i, 0.2 + 0.03 * (i % 5), seed=seed + i) for i in range(n)]
    waves = [torch.from_numpy((x * 32768).astype(np.int16)) for x in waves]
    return Recordings.of(waves, [i % 3 for i in range(n)], WORDS, RATE)


@pytest.mark.parametrize("kind", ["log_mel", "mfcc"])
def test_features_are_standardised_and_do_not_depend_on_the_neighbours(kind):
    part = words()
    features = Features(RATE, kind).learnt(part)
    x, rows = features.of(*part.padded(torch.arange(len(part))))
    inside = torch.cat([each[:n] for each, n in zip(x, rows.tolist(), strict=True)])
    torch.testing.assert_close(inside.mean(0), torch.zeros(features.size), atol=1e-4, rtol=0)
    torch.testing.assert_close(inside.std(0, correction=0), torch.ones(features.size), atol=1e-3, rtol=0)
    for i in range(3):
        alone, (n,) = features.of(*part.padded(torch.tensor([i])))
        assert n == rows[i] and not x[i, n:].any()
        torch.testing.assert_close(alone[0], x[i, :n], atol=2e-4, rtol=1e-4)  # float32, sums in another order


def test_log_mel_bands_are_those_of_scipy():
    part = words(1)
    features = Features(RATE)
    found, _ = features.log_mel(*part.padded(torch.tensor([0])))
    x, size, hop = part.wave(0).double().numpy() / 32768, features.frame, features.step
    _, _, z = signal.stft(x, window="hann", nperseg=size, noverlap=size - hop, boundary=None, padded=False)
    power = abs(z.T * signal.get_window("hann", size).sum()) ** 2
    wanted = np.log(np.maximum(power @ features.filters().double().numpy().T, 1e-6))
    np.testing.assert_allclose(found[0].numpy(), wanted, atol=2e-3)  # float32; near silence a log is steep


def test_level_is_taken_out():
    loud, quiet = words(3), words(3, level=0.25)
    features = Features(RATE).learnt(loud)
    one, other = (features.of(*p.padded(torch.arange(3)))[0] for p in (loud, quiet))
    assert (one - other).abs().mean() < 0.25  # rounding to 16 bits is noise that the quiet one has more of
    for kind in ("log_mel", "mfcc"):  # the level alone: what is left is one spectrum, not two
        levelled = Features(RATE, kind, centred=False, levelled=True)
        one, other = (levelled.raw(*p.padded(torch.arange(3))) for p in (loud, quiet))
        assert (one[0] - other[0]).abs().mean() < 0.35
        for x, n in zip(*one, strict=True):
            assert abs(x[:n].mean() if kind == "log_mel" else x[:n, 0].mean()) < 1e-4
            assert x[:n].mean(0).abs().max() > 0.5
    plain = Features(RATE, centred=False).learnt(loud)
    one, other = (plain.of(*p.padded(torch.arange(3)))[0] for p in (loud, quiet))
    assert (one - other).abs().mean() > 0.4


def test_how_much_a_voice_moves_can_be_taken_out_and_slopes_put_in():
    part = words(3)
    found = Features(RATE, "mfcc", scaled=True, slopes=True)
    x, rows = found.raw(*part.padded(torch.arange(3)))
    assert found.size == 26 == x.shape[2] and not x[0, rows[0] :].any()
    for each, n in zip(x, rows.tolist(), strict=True):
        torch.testing.assert_close(each[:n].mean(0), torch.zeros(26), atol=1e-4, rtol=0)
        spread = each[:n].std(0, correction=0)
        assert (spread < 1).all() and (spread[:13] > 0.5).any()  # 1, less where a number hardly moves
    plain, _ = Features(RATE, "mfcc", slopes=True).raw(*part.padded(torch.arange(3)))
    deviation = plain[0, : rows[0]].std(0, correction=0)
    torch.testing.assert_close(x[0] * (deviation**2 + 0.09).sqrt(), plain[0], atol=1e-4, rtol=1e-4)


@given(time=st.floats(0, 0.9), share=st.floats(0, 0.9), seed=st.integers(0, 99))
def test_masks_hide_one_stretch_of_time_and_one_of_numbers(time, share, seed):
    rows = torch.tensor([9, 4, 1])
    x = torch.ones(3, 9, 8)
    how = Change(mask_time=time, mask_bands=share)
    found = masked(x, rows, how, torch.Generator().manual_seed(seed))
    for each, n in zip(found, rows.tolist(), strict=True):
        late, numbers = (each == 0).all(1), (each[:n] == 0).all(0)
        assert (late.sum() <= time * n + 1 and numbers.sum() <= share * 8 + 1) or late.all() or numbers.all()
        assert torch.equal(each == 0, late[:, None] | (each == 0).all(0)[None])
        for hidden in (late, numbers):  # one stretch: it begins once
            assert hidden.all() or (hidden[1:] & ~hidden[:-1]).sum() + hidden[0] <= 1
    again = masked(x, rows, how, torch.Generator().manual_seed(seed))
    assert torch.equal(found, again) and torch.equal(masked(x, rows, Change(), torch.Generator()), x)


def test_batches_are_masked():
    part = words(6)
    features = Features(RATE).learnt(part)
    (x, rows, _), (y, _, _) = (next(Spoken(part, features, 6, 0, change).epoch(0))
                               for change in (Change(), Change(mask_time=0.5, mask_bands=0.5)))  # fmt: skip
    hidden = (y == 0) & (x != 0)
    assert hidden.any() and torch.equal(y[~hidden], x[~hidden]) and rows.min() > 2


def test_a_recording_shorter_than_a_frame_has_one_row():
    part = some([1, 3])
    features = Features(RATE).learnt(part)
    x, rows = features.of(*part.padded(torch.arange(2)))
    assert rows.tolist() == [1, 1] and x.shape == (2, 1, 24) and x.isfinite().all()
    assert summaries(features, part, 8).shape == (2, 24 * 8)


def test_batches_are_functions_of_seed_epoch_and_position():
    part = words(23)
    features = Features(RATE).learnt(part)
    loader = Spoken(part, features, 5, 3, Change(0.05, 0.1, 0.1))
    assert len(loader) == 4
    whole, late = list(loader.epoch(2)), list(loader.epoch(2, 3))
    assert all(torch.equal(a, b) for a, b in zip(whole[3], late[0], strict=True)) and len(late) == 1
    assert not torch.equal(next(loader.epoch(0))[0][:, :5], next(loader.epoch(1))[0][:, :5])
    chosen = torch.cat(loader.order(0))
    assert len(chosen) == 20 == len(chosen.unique())
    halves = [list(Spoken(part, features, 6, 3, share=(rank, 2)).epoch(0)) for rank in (0, 1)]
    joint = list(Spoken(part, features, 6, 3).epoch(0))
    for one, other, both in zip(*halves, joint, strict=True):
        assert torch.equal(torch.cat([one[2], other[2]]), both[2])
    assert sum(len(y) for _, _, y in in_order(part, features, 5)) == 23
    with pytest.raises(UserError, match="batch_size is 5; wanted: a multiple of 2"):
        Spoken(part, features, 5, 3, share=(0, 2))


def test_changes_do_what_they_say():
    waves, lengths = words(4).padded(torch.arange(4))
    g = lambda: torch.Generator().manual_seed(0)  # noqa: E731
    same, n = changed(waves, lengths, Change(), RATE, g())
    torch.testing.assert_close(same, waves) and torch.equal(n, lengths)
    late, n = changed(waves, lengths, Change(shift=0.1), RATE, g())
    for i in range(4):
        start = int(n[i] - lengths[i])
        assert 0 <= start <= 0.1 * RATE and not late[i, :start].any()
        torch.testing.assert_close(late[i, start : n[i]], waves[i, : lengths[i]])
    _, n = changed(waves, lengths, Change(stretch=0.2), RATE, g())
    assert ((n >= lengths / 1.2 - 1) & (n <= lengths / 0.8 + 1)).all() and not torch.equal(n, lengths)
    noisy, _ = changed(waves, lengths, Change(noise=0.5), RATE, g())
    share = (noisy - waves).square().sum(1).sqrt() / waves.square().sum(1).sqrt()
    assert (share < 0.55).all() and share.max() > 0.1
    assert not Change() and Change(noise=0.1)


def test_the_public_original_is_built_into_what_the_pack_holds(tmp_path, monkeypatch):
    monkeypatch.setattr(spoken_digits, "SPEAKERS", ("ann", "bob"))
    monkeypatch.setattr(spoken_digits, "TAKES", 2)
    with zipfile.ZipFile(tmp_path / spoken_digits.ZIP, "w") as archive:
        for digit in range(10):
            for who in ("ann", "bob", "eve"):
                for take in range(3):
                    samples = np.full(digit + 2, (take + 1) / 8)
                    archive.writestr(f"fsdd-1/recordings/{digit}_{who}_{take}.wav", wav(samples))
        archive.writestr("fsdd-1/README.md", b"x")
    spoken_digits.build(tmp_path, tmp_path / "made.npz")
    found = spoken_digits.read(tmp_path / "made.npz")
    assert len(found) == 40 and set(found.speakers) == {"ann", "bob"} and found.rate == 8000
    assert found.names[3] == "0_bob_1.wav" and found.wave(3).tolist() == [8192, 8192]
    assert found.labels.tolist() == [i // 4 for i in range(40)]
    monkeypatch.setattr(spoken_digits, "TAKES", 5)
    with pytest.raises(ValueError, match="60 recordings, not 100"):
        spoken_digits.build(tmp_path, tmp_path / "other.npz")


@pytest.mark.pack
def test_the_packs_digits_are_all_there(pack, monkeypatch):
    monkeypatch.setenv("GRADSCHOOL_DATA", str(pack))
    splits = open_recordings("spoken-digits", Wished(test=1 / 3))
    assert (len(splits.train), len(splits.test), splits.val) == (600, 300, None)
    assert splits.train.labels.bincount().tolist() == [60] * 10 and splits.train.classes[3] == "three"
    assert sum(splits.train.lengths.tolist()) + sum(splits.test.lengths.tolist()) == 3127443
    contents = find("fsdd").contents(pack / "spoken-digits" / "spoken-digits.npz")
    assert contents == {"": dict.fromkeys(spoken_digits.WORDS, 90)}
    assert io.BytesIO(splits.test.content()[0]).read()
