#!/usr/bin/env python3
"""Writes src/text/unicode_table.inc: the characters that tokenizers call letters and numbers.

The published tokenizers run their patterns in tiktoken's and in Hugging Face's regex engine, so these engines are asked,
character by character, instead of a Unicode data file of some other version. Both must agree.

    pip install tiktoken==0.14.0 tokenizers==0.23.3
    tools/make_unicode_tables.py > src/text/unicode_table.inc
"""
import tiktoken
from tokenizers import Regex, pre_tokenizers

CHARACTERS = [c for c in range(0x110000) if not 0xD800 <= c < 0xE000]


def members(pattern):
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


def main():
    print("// Made by tools/make_unicode_tables.py from tiktoken 0.14.0 and tokenizers 0.23.3 (Unicode 16): do not edit.")
    for name, pattern in (("kLetterRanges", r"\p{L}"), ("kNumberRanges", r"\p{N}"), ("kSpaceRanges", r"\s")):
        print(f"constexpr CharRange {name}[] = {{")
        line = "   "
        for first, last in ranges(members(pattern)):
            item = f" {{0x{first:X}, 0x{last:X}}},"
            if len(line) + len(item) > 100:
                print(line)
                line = "   "
            line += item
        print(line)
        print("};")


if __name__ == "__main__":
    main()
