#!/usr/bin/env python3
"""Writes the tables of src/text that say what tokenizers take a character for.

The published tokenizers are asked, character by character, instead of a Unicode data file of some other version.

    pip install tiktoken==0.14.0 tokenizers==0.23.3
    tools/make_unicode_tables.py > src/text/unicode_table.inc              # patterns: letters, numbers, white space
    tools/make_unicode_tables.py bert > src/text/wordpiece_table.inc       # BERT's normalizer and pre-tokenizer

Patterns run in tiktoken's and in Hugging Face's regex engine: both must agree.
"""
import sys
import unicodedata

from tokenizers import Regex, normalizers, pre_tokenizers

CHARACTERS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]


def members(pattern):
    import tiktoken
    bytes_only = {bytes([i]): i for i in range(256)}
    encoding = tiktoken.Encoding("probe", pat_str=pattern, mergeable_ranks=bytes_only, special_tokens={})
    split = pre_tokenizers.Split(Regex(pattern), "removed")
    by_tiktoken = [c for c in CHARACTERS if encoding.encode_ordinary(chr(c))]
    by_tokenizers = [c for c in CHARACTERS if not split.pre_tokenize_str(chr(c))]
    assert by_tiktoken == by_tokenizers, pattern
    return by_tiktoken


def ranges(characters):
    result = []
    for c in characters:
        if result and result[-1][1] == c - 1:
            result[-1][1] = c
        else:
            result.append([c, c])
    return result


def print_items(kind, name, items):
    print(f"constexpr {kind} {name}[] = {{")
    line = "   "
    for item in items:
        text = " {" + ", ".join(f"0x{value:X}" if value >= 0 else str(value) for value in item) + "},"
        if len(line) + len(text) > 100:
            print(line)
            line = "   "
        line += text
    print(line)
    print("};")


def patterns():
    print("// Made by tools/make_unicode_tables.py from tiktoken 0.14.0 and tokenizers 0.23.3 (Unicode 16): do not edit.")
    for name, pattern in (("kLetterRanges", r"\p{L}"), ("kNumberRanges", r"\p{N}"), ("kSpaceRanges", r"\s")):
        print_items("CharRange", name, ranges(members(pattern)))


def bert_normalizer(**parts):
    off = dict(clean_text=False, handle_chinese_chars=False, strip_accents=False, lowercase=False)
    return normalizers.BertNormalizer(**(off | parts)).normalize_str


def lowercase_runs(lower):
    """[first, last, step, distance]: every `step`th character from first to last moves by `distance`."""
    runs = []
    for c in CHARACTERS:
        # The one character that becomes two (U+0130) is the code's business.
        if lower(chr(c)) == chr(c) or len(lower(chr(c))) != 1:
            continue
        distance = ord(lower(chr(c))) - c
        last = runs[-1] if runs else [0, 0, 0, None]
        if last[3] == distance and (c - last[1] == last[2] or (last[0] == last[1] and c - last[1] in (1, 2))):
            last[1], last[2] = c, c - last[1]
        else:
            runs.append([c, c, 1, distance])
    return runs


def combining_runs(decompose):
    """[first, last, canonical combining class] of the characters that `decompose` puts into an order."""
    last_class = "\u0345"  # whose class no other exceeds
    runs = []
    for c in CHARACTERS:
        if decompose(chr(c)) != chr(c):
            continue
        if decompose("a" + last_class + chr(c)) == "a" + last_class + chr(c) and chr(c) != last_class:
            continue
        value = unicodedata.combining(chr(c))
        assert value != 0, hex(c)
        if runs and runs[-1][1] == c - 1 and runs[-1][2] == value:
            runs[-1][1] = c
        else:
            runs.append([c, c, value])
    return runs


def bert():
    clean, chinese = bert_normalizer(clean_text=True), bert_normalizer(handle_chinese_chars=True)
    strip, lower = bert_normalizer(strip_accents=True), bert_normalizer(lowercase=True)
    decompose = normalizers.NFD().normalize_str
    split = pre_tokenizers.BertPreTokenizer().pre_tokenize_str
    print("// Made by tools/make_unicode_tables.py from tokenizers 0.23.3: do not edit.")
    sets = {"kRemovedRanges": lambda c: clean("a" + c + "b") == "ab",
            "kBlankRanges": lambda c: clean("a" + c + "b") == "a b",
            "kIdeographRanges": lambda c: chinese(c) != c,
            "kAccentRanges": lambda c: decompose(c) == c and strip("a" + c) == "a",
            "kPunctuationRanges": lambda c: len(split("a" + c + "b")) == 3,
            "kSeparatorRanges": lambda c: len(split("a" + c + "b")) == 2}
    for name, belongs in sets.items():
        print_items("CharRange", name, ranges([c for c in CHARACTERS if belongs(chr(c))]))
    print_items("CombiningRun", "kCombiningRuns", combining_runs(decompose))
    print_items("LowercaseRun", "kLowercaseRuns", lowercase_runs(lower))
    hangul = range(0xAC00, 0xD7A4)
    print_items("Decomposition", "kDecompositions",
                [[c] + [ord(part) for part in decompose(chr(c))]
                 for c in CHARACTERS if c not in hangul and decompose(chr(c)) != chr(c)])


if __name__ == "__main__":
    bert() if sys.argv[1:] == ["bert"] else patterns()
