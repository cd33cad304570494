"""What the class names of the picture sets leave out, as data: groups above them, better names, what is held out.

groups.txt says "groups, from near to far: members by any of their names". A member is found by name in every picture
set, so one line serves Tiny-ImageNet, Caltech, groceries and emoji. Every group becomes a concept of its own ("a dog",
"an animal"); MiniLM alone maps only 70 % of class names to their group.
"""

from __future__ import annotations

from pathlib import Path

HIERARCHY = (Path(__file__).parent / "groups.txt").read_text(encoding="utf-8")

# Tiny-ImageNet classes kept out of all training, so that "a photo class never seen" can be measured (30-way).
HELD_OUT_WNIDS = frozenset(
    [
        "n02123394",
        "n02106662",
        "n02094433",
        "n02002724",
        "n01641577",
        "n02281406",
        "n02415577",
        "n02486410",
        "n01945685",
        "n01984695",
        "n02226429",
        "n01774750",
        "n03100240",
        "n03977966",
        "n03393912",
        "n04366367",
        "n03837869",
        "n03201208",
        "n02963159",
        "n04596742",
        "n04597913",
        "n03983396",
        "n03404251",
        "n04099969",
        "n04562935",
        "n09428293",
        "n07711569",
        "n07920052",
        "n04146614",
        "n02793495",
    ]
)

# Names a visitor may give to CIFAR-10's classes that no training caption may contain.
CIFAR_PARAPHRASES = {
    "airplane": "jetliner in the air",
    "automobile": "passenger motorcar",
    "bird": "feathered creature with a beak",
    "cat": "kitty",
    "deer": "stag or doe",
    "dog": "pooch",
    "frog": "croaking toad",
    "horse": "stallion or mare",
    "ship": "ocean vessel",
    "truck": "lorry for freight",
}

CIFAR_NAMES = {
    "airplane": ("airplane", "plane", "aeroplane", "aircraft"),
    "automobile": ("automobile", "car"),
    "bird": ("bird",),
    "cat": ("cat", "house cat"),
    "deer": ("deer",),
    "dog": ("dog",),
    "frog": ("frog",),
    "horse": ("horse",),
    "ship": ("ship", "boat"),
    "truck": ("truck",),
}

CLOTHING_NAMES = {
    "longsleeve": ("long-sleeved shirt", "sweatshirt", "longsleeve"),
    "outwear": ("jacket", "coat", "outerwear", "outwear"),
    "pants": ("pants", "trousers", "jeans"),
    "shoes": ("shoes", "a pair of shoes", "shoe"),
    "t-shirt": ("t-shirt", "tee shirt", "T-shirt"),
    "shirt": ("shirt", "button-up shirt"),
    "hat": ("hat", "cap"),
    "dress": ("dress", "gown"),
    "shorts": ("shorts", "short pants"),
    "skirt": ("skirt",),
}

CALTECH_NAMES = {
    "Faces": ("face", "human face", "person"),
    "Motorbikes": ("motorbike", "motorcycle", "motorbikes"),
    "Leopards": ("leopard", "leopards"),
    "airplanes": ("airplane", "plane", "airplanes"),
    "car_side": ("car", "side view of a car", "car side"),
    "cougar_body": ("cougar", "puma", "cougar body"),
    "cougar_face": ("face of a cougar", "cougar face"),
    "crocodile_head": ("head of a crocodile", "crocodile head"),
    "flamingo_head": ("head of a flamingo", "flamingo head"),
    "water_lilly": ("water lily", "water lilly"),
    "yin_yang": ("yin and yang symbol", "yin yang"),
    "sea_horse": ("seahorse", "sea horse"),
    "bass": ("bass fish", "fish", "bass"),
    "cup": ("cup", "mug"),
    "ketch": ("ketch", "sailing boat", "sailboat"),
    "schooner": ("schooner", "sailing ship"),
    "ewer": ("ewer", "pitcher", "jug"),
    "cellphone": ("cellphone", "mobile phone", "cell phone"),
    "headphone": ("headphones", "headphone"),
    "rhino": ("rhinoceros", "rhino"),
    "wrench": ("wrench", "spanner"),
    "revolver": ("revolver", "handgun"),
    "snoopy": ("Snoopy, a cartoon dog", "snoopy"),
    "garfield": ("Garfield, a cartoon cat", "garfield"),
    "wild_cat": ("wild cat", "bobcat"),
    "gramophone": ("gramophone", "record player"),
    "hawksbill": ("hawksbill sea turtle", "turtle", "sea turtle", "hawksbill"),
    "crayfish": ("crayfish", "crawfish"),
    "euphonium": ("euphonium", "brass horn", "tuba"),
    "brain": ("human brain", "brain"),
    "tick": ("tick", "small bloodsucking bug"),
    "emu": ("emu", "ostrich-like bird"),
    "brontosaurus": ("brontosaurus", "long-necked dinosaur"),
    "stegosaurus": ("stegosaurus", "dinosaur with plates on its back"),
}

HOUSE_NAMES = {
    "bathroom": ("bathroom", "washroom"),
    "bedroom": ("bedroom", "room with a bed"),
    "kitchen": ("kitchen",),
    "frontal": ("house", "front of a house", "family home", "frontal"),
}

# Tiny-ImageNet's first lemma is sometimes ambiguous for a sentence encoder; these come first instead.
TINY_NAMES = {
    "n02190166": ("fly", "housefly"),
    "n02892201": ("brass plaque", "memorial tablet"),
    "n03126707": ("construction crane", "crane machine"),
    "n03014705": ("wooden chest", "treasure chest", "storage chest"),
    "n02917067": ("bullet train",),
    "n04008634": ("missile", "projectile"),
    "n04067472": ("fishing reel", "reel"),
    "n03804744": ("metal nail", "nail"),
    "n03250847": ("drumstick", "drum stick"),
    "n03976657": ("pole", "post"),
    "n04456115": ("burning torch", "torch"),
    "n03854065": ("pipe organ", "church organ"),
    "n04532106": ("vestment", "priest's robe"),
    "n02814860": ("lighthouse", "beacon"),
    "n09246464": ("cliff", "rock cliff"),
    "n09193705": ("mountain", "snowy mountain", "alp"),
    "n02279972": ("monarch butterfly", "monarch"),
    "n02281406": ("sulphur butterfly", "yellow butterfly"),
    "n04417672": ("thatched roof", "thatch"),
    "n02231487": ("stick insect", "walking stick insect"),
    "n03649909": ("lawn mower", "mower"),
    "n03447447": ("gondola", "Venetian boat"),
    "n02793495": ("barn", "farm building"),
    "n07579787": ("plate of food", "plate"),
    "n07747607": ("orange", "orange fruit"),
    "n02410509": ("bison", "buffalo"),
    "n02403003": ("ox", "cattle", "cow"),
    "n02395406": ("pig", "hog"),
    "n01770393": ("scorpion",),
    "n02123045": ("tabby cat", "striped cat"),
    "n04399382": ("teddy bear", "stuffed toy bear"),
    "n03599486": ("rickshaw", "jinrikisha"),
    "n02988304": ("CD player", "stereo"),
    "n02815834": ("laboratory beaker", "glass beaker", "beaker"),
    "n04070727": ("refrigerator", "fridge"),
    "n04507155": ("umbrella", "parasol"),
}
