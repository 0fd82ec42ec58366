"""What a lecture's writing is held to. Each check reads a chapter and returns its faults as sentences."""

import importlib
import re
import shlex
import tomllib
from collections import Counter
from pathlib import Path

import textstat
from spellchecker import SpellChecker

from gradschool.classroom.author.glossary import glossary
from gradschool.classroom.author.markup import slug
from gradschool.classroom.author.references import ROLE, references
from gradschool.classroom.author.render import FENCE, RESULT
from gradschool.classroom.author.terminal import MATH
from gradschool.classroom.exercise.manifest import chapters, find_chapter, find_exercise
from gradschool.cli.main import COMMANDS, GROUPS
from gradschool.cli.words import parse
from gradschool.errors import UserError
from gradschool.recipes import find as find_recipe
from gradschool.runs.settings import override

HERE = Path(__file__).parent
TERMS = tomllib.loads((HERE / "terms.toml").read_text(encoding="utf-8"))
LONGEST_MEAN, LEAST_EASE = 18, 55  # words a sentence; Flesch reading ease
NUMBERS = {"one": 1, "two": 2, "three": 3, "four": 4, "five": 5}
ROUNDED = 15  # minutes that the time of a chapter's exercises may be off where it is told in hours
FIRST = ["You will be able to", "You need", "Notation"]
LAST = ["Summary", "Check yourself", "In practice", "Further reading", "Next"]
OPEN = (
    r"^https://(doi\.org/10\.\d{4,9}/\S+|arxiv\.org/abs/(\d{4}\.\d{4,5}|[a-z-]+(\.[A-Z]{2})?/\d{7})(v\d+)?)$"
)
COMMAND = re.compile(r"^(?:\$ )?(?:\./)?gradschool (.+)$", re.MULTILINE)


def lecture(chapter):
    """The text as it stands in the file."""
    return (chapter.folder / "lecture.md").read_text(encoding="utf-8").replace("\r\n", "\n")


def told(text):
    """Running text of a lecture: of paragraphs, captions and questions, without other blocks."""
    keep = ("{figure}", "{question}")
    return FENCE.sub(
        lambda f: (
            f"\n{f[2].replace(chr(10) + '---' + chr(10), chr(10) * 2)}\n"
            if f[1].strip().startswith(keep)
            else "\n"
        ),
        text,
    )


def sections(text):
    """Text below each heading of the second level, in order; what stands before the first is under ""."""
    parts = re.split(
        r"^## +(.+?) *$", FENCE.sub(lambda f: re.sub("(?m)^#", "\\\\#", f[0]), text), flags=re.MULTILINE
    )
    return [("", parts[0]), *zip(parts[1::2], parts[2::2], strict=True)]


def plain(term):
    """A spelling to compare by: lower case, hyphens as spaces, × as x, straight apostrophes."""
    return " ".join(term.lower().replace("-", " ").replace("×", "x").replace("’", "'").split())


def bold(text):
    """How often each term stands in bold, by `plain`."""
    found = re.findall(r"\*\*(.+?)\*\*", told(text), re.DOTALL)
    return Counter(plain(re.sub(r"[*$`]", "", one)).rstrip(".:,") for one in found)


def terms_at_fault(chapter, listed=TERMS, known=None):
    """Terms of the list that are not exactly once in bold, or have no entry in the glossary."""
    if chapter.id not in listed:
        return [f"terms.toml lists no terms of {chapter.id}"]
    entries = [
        {plain(one) for one in (name, *term.also)} for name, (term, _) in (known or glossary()).items()
    ]
    counts, faults = bold(lecture(chapter)), []
    for names in (entry if isinstance(entry, list) else [entry] for entry in listed[chapter.id]):
        wanted = {plain(name) for name in names}
        own = [entry for entry in entries if entry & wanted]
        if not own:
            faults.append(f"{names[0]}: not in the glossary")
        times = sum(counts[one] for one in wanted.union(*own))
        if times != 1:
            faults.append(f"{names[0]}: {times} times in bold, not once")
    return faults


def parts_at_fault(chapter):
    """What is missing of a lecture's parts, or stands elsewhere."""
    found = sections(lecture(chapter))
    heads, body = [head for head, _ in found[1:]], dict(found)
    faults = []
    if not re.match(r"# \S.*\n+(?!```)[^#|\s]", found[0][1]):
        faults.append("it does not begin with a title and a paragraph")
    if heads[:3] != FIRST:
        faults.append(f"it begins with {heads[:3]}, not {FIRST}")
    if heads[-5:] != LAST:
        faults.append(f"it ends with {heads[-5:]}, not {LAST}")
    if not heads[3:-5]:
        faults.append("it has no sections of its own")
    outcomes = len(re.findall(r"^[-*] ", body.get(FIRST[0], ""), re.MULTILINE))
    needs = [
        (3 <= outcomes <= 6, f"{outcomes} outcomes, not 3 to 6"),
        (re.search(r"minutes|hours?", body.get(FIRST[1], "")), "You need says no time"),
        (re.search(r"^\|", body.get(FIRST[2], ""), re.MULTILINE), "Notation has no table"),
        (body.get(LAST[1], "").count("```{question}") >= 3, "Check yourself has fewer than 3 questions"),
        ("{paper}" in body.get(LAST[3], ""), "Further reading names no {paper}"),
    ]
    return faults + [fault for holds, fault in needs if not holds]


def time_at_fault(chapter):
    """Whether the time that You need names for the exercises is more than `ROUNDED` from their minutes."""
    said = exercise_minutes(dict(sections(lecture(chapter))).get(FIRST[1], ""))
    if said is None:
        return ["You need says no time for the exercises"]
    wrong = abs(said - chapter.minutes) > ROUNDED
    return [f"the exercises take {chapter.minutes} minutes, not {said}"] if wrong else []


def exercise_minutes(text):
    """The minutes for exercises in "two and a half hours", "2.5 hours", "3 hours and 20 minutes"; None: none.

    They stand on the side of the word "exercise" where its clause goes on.
    """
    amount = rf"(?:{'|'.join(NUMBERS)}|[0-9.]+)"
    time = rf"{amount}(?: and a half)? (?:hours?|minutes)(?: and {amount} minutes)?"
    before, behind = rf"({time}) (?:for the|of) exercises?", rf"exercises (?:take |about )+({time})"
    found = re.search(rf"{before}|{behind}", text)
    if not found:
        return None
    total = 0.0
    for number, half, unit in re.findall(rf"({amount})( and a half)? (hour|minute)", found[1] or found[2]):
        total += (NUMBERS.get(number) or float(number)) * (60 if unit == "hour" else 1) + (30 if half else 0)
    return round(total)


def anchors(chapter):
    """The places of a chapter's page that can be linked to: headings and exercises."""
    headings = re.findall(r"^#{2,3} +(.+?) *$", FENCE.sub("", lecture(chapter)), re.MULTILINE)
    return {slug(re.sub(r"[*`$\\{}]", "", one)) for one in headings} | {
        f"exercise-{exercise.id}" for exercise in chapter.exercises
    }


def links_at_fault(chapter):
    """Links that lead to nothing that is published, and papers that are not named or not listed."""
    text, faults = told(lecture(chapter)), []
    pages = {f"../{one.folder.name}": one for one in chapters()}
    for image, target in re.findall(r"(!?)\[[^\]]*\]\(([^)\s]+)[^)]*\)", text):
        path, _, anchor = target.partition("#")
        if "://" in target:
            fine = re.match(r"https://[\w.-]+\.[a-z]+(/\S*)?$", target)
            if re.search(r"doi\.org|arxiv\.org", target):
                fine = re.match(OPEN, target)
        elif image:
            fine = (chapter.folder / path).is_file()
        else:
            page = pages.get(path.rstrip("/")) if path else chapter
            fine = page and (not anchor or anchor in anchors(page))
        if not fine:
            faults.append(f"{target} leads nowhere")
    known, named = references(chapter.folder), {role[2] for role in ROLE.finditer(text)}
    faults += [f"{key} is named and not in references.toml" for key in sorted(named - set(known))]
    return faults + [f"{key} is in references.toml and not named" for key in sorted(set(known) - named)]


def sentences(text):
    """The sentences of a lecture; a formula or a piece of code counts as one word, tables not at all."""
    text = re.sub(r"^## Further reading$.*?(?=^## |\Z)", "", told(text), flags=re.MULTILINE | re.DOTALL)
    text = re.sub(r"^(#.*|\|.*)$", "", text, flags=re.MULTILINE)
    text = re.sub(r"\$\$.+?\$\$", "\n\n", text, flags=re.DOTALL)
    text = RESULT.sub("5", MATH.sub("x", text))
    text = re.sub(r"\(?\{(?:cite|paper)\}`[^`]+`\)?", "", text)
    text = re.sub(r"`[^`]+`", "x", re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", text))
    text = re.sub(
        r"\b(e\.g|i\.e|et al|vs|Fig|Eq)\.", lambda short: short[0].replace(".", ""), text.replace("*", "")
    )
    found = []
    for block in re.split(r"\n\s*\n|\n(?=\s*(?:[-*]|\d+\.) )", text):
        block = " ".join(re.sub(r"^\s*(?:[-*>]|\d+\.) ", "", block).split())
        found += [
            one
            for one in re.split(r"(?<=[.!?])[\"')]*\s+(?=[\"'(]?[A-Z0-9x])", block)
            if len(one.split()) > 2
        ]
    return found


def style_at_fault(chapter):
    """A mean sentence that is too long, or a text that is too hard to read."""
    found = sentences(lecture(chapter))
    mean = sum(len(one.split()) for one in found) / max(len(found), 1)
    ease = textstat.flesch_reading_ease(" ".join(f"{one.rstrip('.:;,!?')}." for one in found))
    longest = max(found, key=lambda one: len(one.split()), default="")
    faults = []
    if mean > LONGEST_MEAN:
        faults.append(f"a sentence has {mean:.1f} words on average; the longest: {longest}")
    if ease < LEAST_EASE:
        faults.append(f"reading ease is {ease:.0f}")
    return faults


def american(word):
    """The American spelling of a British word, or the word itself: the dictionary is American."""
    word = re.sub(r"is(e[drs]?|es|ers|ing|ations?|able)$", r"iz\1", word)
    word = re.sub(
        r"lled$|lling$|ller$", lambda end: end[0][1:], re.sub(r"ys(e[drs]?|es|ing)$", r"yz\1", word)
    )
    return re.sub(r"our(s|ed|ing|hoods?|able|ite)?$", r"or\1", re.sub(r"tre(s?)$", r"ter\1", word))


def words_at_fault(chapter, known=None):
    """Words of a lecture that neither the dictionary nor the course knows."""
    dictionary, own = (
        SpellChecker(language="en"),
        set((HERE / "words.txt").read_text(encoding="utf-8").split()),
    )
    for name, (term, _) in (known or glossary()).items():
        own |= set(re.findall(r"[^\W\d_]+", " ".join((name, *term.also)).lower()))
    found = re.findall(r"(?<![\w.-])[a-z][a-z]+(?![\w'-]|\.\w)", " ".join(sentences(lecture(chapter))))
    unknown = {word for word in found if word not in own and word.removesuffix("s") not in own}
    return sorted(word for word in unknown if word not in dictionary and american(word) not in dictionary)


def commands(text):
    """Every command that a lecture prints, as it stands behind the word gradschool."""
    blocks = [f[2] for f in FENCE.finditer(text) if not f[1].strip().startswith(("{", "python"))]
    # In running text a command's name alone speaks of the command; it is no line to paste.
    named = {f"gradschool {name}" for name in COMMANDS}
    blocks += [one for one in re.findall(r"`([^`\n]+)`", told(text)) if one not in named]
    lines = [re.sub(r"\\\n\s*", " ", block) for block in blocks]
    return [found[1].strip() for block in lines for found in COMMAND.finditer(block)]


def command_at_fault(command):
    """Why the command line would refuse a command before it does anything; "" if it would not."""
    try:
        name, *rest = shlex.split(command, comments=True)
        if name not in COMMANDS:
            return f"{command}: there is no command {name}"
        group = next(group for group, known in GROUPS.items() if name in known)
        module = importlib.import_module(f"gradschool.cli.{group}.{name}")
        args = module.parse(rest) if hasattr(module, "parse") else parse(module.Args, name, rest)
        if name == "train" and args.recipe and args.recipe != "RECIPE":
            override(find_recipe(args.recipe)(), args.set, args.recipe)
        asked = [*getattr(args, "exercises", ()), getattr(args, "exercise", "")]
        for one in asked:
            if one.islower() and one not in {chapter.id for chapter in chapters()}:
                find_exercise(one)
        if (one := getattr(args, "chapter", "")).islower():
            find_chapter(one)
    except (UserError, ValueError) as error:
        return f"{command}: {error}"
    return ""


def commands_at_fault(chapter):
    """Printed commands that would be refused."""
    return [fault for one in commands(lecture(chapter)) if (fault := command_at_fault(one))]
