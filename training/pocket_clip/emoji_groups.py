"""Emoji kept out of all training: whole subgroups of Unicode's emoji-test.txt.

Whole subgroups, so that no near twin of a test emoji is trained (five trucks, a man and a woman at one sport); chosen
before any run, one or two of each kind of thing.

Held out are the pictures, in every style. The words stay in the phrases of the text tower, and other sets may show
the same thing in photos (a guitar, a butterfly): the evaluation reports those without such a photo as well.
"""

from __future__ import annotations

from training.pocket_clip.pictures import emoji_key

# Subgroup -> its emoji. One is added to its subgroup: the mushroom, of which the brown one is a twin.
HELD_OUT_SUBGROUPS = {
    "animal-marine": "🐳 🐋 🐬 🦭 🐟 🐠 🐡 🦈 🐙 🐚 🪸 🪼 🦀 🦞 🦐 🦑 🦪",
    "animal-bug": "🐌 🦋 🐛 🐜 🐝 🪲 🐞 🦗 🪳 🕷 🕸 🦂 🦟 🪰 🪱 🦠",
    "food-vegetable": "🥑 🍆 🥔 🥕 🌽 🌶 🫑 🥒 🥬 🥦 🧄 🧅 🥜 🫘 🌰 🫚 🫛 🫜 🍄‍🟫 🍄",
    "transport-air": "✈ 🛩 🛫 🛬 🪂 💺 🚁 🚟 🚠 🚡 🛰 🚀 🛸",
    "sport": "⚽ ⚾ 🥎 🏀 🏐 🏈 🏉 🎾 🥏 🎳 🏏 🏑 🏒 🥍 🏓 🏸 🥊 🥋 🥅 ⛳ ⛸ 🎣 🤿 🎽 🎿 🛷 🥌",
    "musical-instrument": "🎷 🪗 🎸 🎹 🎺 🎻 🪕 🥁 🪘 🪇 🪈 🪉",
    "tool": "🔨 🪓 ⛏ ⚒ 🛠 🗡 ⚔ 💣 🪃 🏹 🛡 🪚 🔧 🪛 🔩 ⚙ 🗜 ⚖ 🦯 🔗 ⛓‍💥 ⛓ 🪝 🧰 🧲 🪜 🪏",
    "body-parts": "💪 🦾 🦿 🦵 🦶 👂 🦻 👃 🧠 🫀 🫁 🦷 🦴 👀 👁 👅 👄 🫦",
}
HELD_OUT_EMOJI = frozenset(f"emoji/{emoji_key(one)}" for row in HELD_OUT_SUBGROUPS.values() for one in row.split())


def is_held_out_emoji(key: str) -> bool:
    """Whether a concept key ("emoji/1f98b") belongs to a subgroup that no training may show."""
    return key in HELD_OUT_EMOJI
