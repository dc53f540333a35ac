"""Left and right in the names of classes: which two classes are mirror images of each other.

    left_eye  right_eye      l_brow  r_brow      EarL  EarR      lens-Left  lens-right      left_eye  eye_right
    lefteye   righteye       lb  rb   eyel  eyer (where both are there)

Only English words and their letters are read. Of names in another language list the "pairs".

Whose left it is does not matter here: a mirror swaps the two either way.
"""
import re
from collections import defaultdict

LONG = {"left": "left", "right": "right"}
SHORT = {"l": "left", "lt": "left", "lft": "left", "r": "right", "rt": "right", "rgt": "right"}
# CelebAMask-HQ's necklace and earring: the letter is no side where the other one is not there.
NO_SIDES = {("neck", "l"), ("ear", "r")}


def pairs_in(names):
    """[(left name, right name)] of the names that differ in their side alone, in the order of the names.

    The side may be anywhere in the name, in any case, with any separator or none. Names that differ in the side's place
    too, left_eye and eye_right, are paired after all others. Of three names or more that fit each other, none is.
    """
    read = {name: reading for name in names if (reading := _reading(name))}
    partner = {}
    for anywhere in (False, True):
        groups = defaultdict(lambda: {"left": [], "right": []})
        for name, (side, words, is_certain) in read.items():
            if name not in partner and (is_certain or not anywhere):
                groups["".join(word for word in words if word != "*") if anywhere else words][side].append(name)
        for group in groups.values():
            if len(group["left"]) == len(group["right"]) == 1:
                (left,), (right,) = group["left"], group["right"]
                partner |= {left: (left, right), right: (left, right)}
    return list(dict.fromkeys(partner[name] for name in names if name in partner))


def sided(names):
    """The names that contain left or right, as words or abbreviated, whether or not their partner is there.

    Not CelebAMask-HQ's l_lip (beside u_lip: the lower one), neck_l (necklace) and ear_r (earring).
    """
    words = {tuple(_words(name)) for name in names}
    partners = {name for pair in pairs_in(names) for name in pair}
    result = []
    for name in names:
        reading, own = _reading(name), tuple(_words(name))
        is_lower = "l" in own and tuple("u" if word == "l" else word for word in own) in words
        if name in partners or reading and reading[2] and not is_lower and own not in NO_SIDES:
            result.append(name)
    return result


def _words(name):
    """"LeftEye", "left-eye" -> ["left", "eye"]"""
    return [word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+|\d+|[^\W\d_a-zA-Z]+", name)]


def _reading(name):
    """("left" or "right", the name's words with "*" for the side, whether this is certain without its partner), or None
    for a name without a side."""
    words = _words(name)
    for table in (LONG, SHORT):
        at = [k for k, word in enumerate(words) if word in table]
        if len(at) == 1:
            k, = at
            return table[words[k]], (*words[:k], "*", *words[k + 1:]), table is LONG or len(words) > 1
    for k, word in enumerate(words):
        for side in LONG:
            if word.startswith(side):  # lefteye; a word that ends so may be bright or cleft
                return side, (*words[:k], "*", word.removeprefix(side), *words[k + 1:]), True
            if word.endswith(side):
                return side, (*words[:k], word.removesuffix(side), "*", *words[k + 1:]), False
    if words and words[0][0] in SHORT and len(words[0]) > 1:  # leye, lb; most words that begin so have no side
        return SHORT[words[0][0]], ("*", words[0][1:], *words[1:]), False
    if words and words[-1][-1] in SHORT and len(words[-1]) > 1:  # eyel
        return SHORT[words[-1][-1]], (*words[:-1], words[-1][:-1], "*"), False
    return None
