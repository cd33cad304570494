"""The 51 papers that the project grew from, as data: each keeps its row until the hub does what it describes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Progress = Literal["works", "in part", "planned"]


@dataclass(frozen=True)
class Paper:
    """One paper: its title, what it does in a sentence of ours, the tab it belongs to, and how far it got.

    Attributes:
        number: 1 to 51, its place in the list.
        title: Title of the paper.
        line: What it does, in one sentence.
        tab: The tab where it lives or will live: Classify, Segment, 3D, Sound or Enhance.
        progress: "works" only where a visitor can use it today; "in part" where a piece of it can be used.
        where: What works of it, in a few words; empty for planned rows.
    """

    number: int
    title: str
    line: str
    tab: str
    progress: Progress = "planned"
    where: str = ""


PAPERS: tuple[Paper, ...] = (
    Paper(
        1,
        "LangSplat: 3D Language Gaussian Splatting",
        "Every 3D Gaussian carries a short language code, so a scene answers questions in words.",
        "3D",
    ),
    Paper(
        2,
        "Does VLM Classification Benefit from LLM Description Semantics?",
        "Asks whether descriptions help or merely add votes, and picks those that tell look-alikes apart.",
        "Classify",
    ),
    Paper(
        3,
        "DiffDis: Empowering Generative Diffusion Model with Cross-Modal Discrimination Capability",
        "One diffusion network that draws and also names what it sees.",
        "Classify",
    ),
    Paper(
        4,
        "LaMP: Language-Motion Pretraining for Motion Generation, Retrieval, and Captioning",
        "Human motion made, found and described through a text model that has learnt motion.",
        "3D",
    ),
    Paper(
        5,
        "Optimizing CLIP Models for Image Retrieval with Maintained Joint-Embedding Alignment",
        "Makes CLIP find similar pictures better without losing its sense of text.",
        "Classify",
    ),
    Paper(
        6,
        "Revisiting Multimodal Representation in Contrastive Learning: "
        "From Patch and Token Embeddings to Finite Discrete Tokens",
        "Writes picture and text in one shared alphabet of learnt tokens.",
        "Classify",
    ),
    Paper(
        7,
        "Contrastive Localized Language-Image Pre-Training",
        "A box or a point turns the picture's embedding into that of a region.",
        "Segment",
    ),
    Paper(
        8,
        "Social perception of faces in a vision-language model",
        "An audit: which traits CLIP reads into a face when one thing at a time is changed.",
        "Classify",
    ),
    Paper(
        9,
        "Towards Open-Ended Visual Recognition with Large Language Model",
        "Names each mask freely, without a list of labels.",
        "Segment",
    ),
    Paper(
        10,
        "LightCLIP: Learning Multi-Level Interaction for Lightweight Vision-Language Models",
        "Trains small CLIPs better: softer negatives, matching down to single words.",
        "Classify",
    ),
    Paper(
        11,
        "Improving CLIP Training with Language Rewrites",
        "Captions rewritten by a language model serve as augmentation of the text side.",
        "Classify",
    ),
    Paper(
        12,
        "Grounding Descriptions in Images informs Zero-Shot Visual Recognition",
        "Scores a description where in the picture it holds, for classes that differ in detail.",
        "Classify",
    ),
    Paper(
        13,
        "LLM2CLIP: Powerful Language Model Unlock Richer Visual Representation",
        "Puts a tuned large language model in the place of CLIP's text tower.",
        "Classify",
    ),
    Paper(
        14,
        "CLIP meets DINO for Tuning Zero-Shot Classifier using Unlabeled Image Collections",
        "Adapts to a folder of pictures that nobody has labelled.",
        "Classify",
    ),
    Paper(
        15,
        "Babel-ImageNet: Massively Multilingual Evaluation of Vision-and-Language Representations",
        "Measures how far naming pictures holds up outside English.",
        "Classify",
    ),
    Paper(
        16,
        "Decoder Pre-Training with only Text for Scene Text Recognition",
        "Learns to read text in pictures from text alone, by CLIP's embeddings.",
        "Classify",
    ),
    Paper(
        17,
        "ComCLIP: Training-Free Compositional Image and Text Matching",
        "Tells who does what to whom by matching subject, object and action apart.",
        "Classify",
    ),
    Paper(
        18,
        "CLIP-NeRF: Text-and-Image Driven Manipulation of Neural Radiance Fields",
        "Changes shape and colour of a 3D scene by a sentence or an example.",
        "3D",
    ),
    Paper(
        19,
        "MaPLe: Multi-modal Prompt Learning",
        "Learns prompts for both towers from a few pictures, the visual from the textual ones.",
        "Classify",
    ),
    Paper(
        20,
        "Cross the Gap: Exposing the Intra-modal Misalignment in CLIP via Modality Inversion",
        "Compares two pictures better by turning one of them into text space first.",
        "Classify",
    ),
    Paper(
        21,
        "DenseCLIP: Language-Guided Dense Prediction with Context-Aware Prompting",
        "A score for every pixel and word, the words refined by the picture.",
        "Segment",
    ),
    Paper(
        22,
        "Demystifying CLIP Data",
        "The recipe for CLIP's data: match captions to a word list, then balance the counts.",
        "Classify",
        "in part",
        "the models can be picked",
    ),
    Paper(
        23,
        "Vector representations of text data in deep learning",
        "Short binary codes for fast search, and word vectors that know several senses.",
        "Classify",
    ),
    Paper(
        24,
        "Long-CLIP: Unlocking the Long-Text Capability of CLIP",
        "Reads 248 tokens where CLIP stops at 77.",
        "Classify",
        "in part",
        "the model can be picked",
    ),
    Paper(
        25,
        "Learning to Prompt for Vision-Language Models",
        "Learns the words around a class name from a few pictures.",
        "Classify",
    ),
    Paper(
        26,
        "RAVE: Residual Vector Embedding for CLIP-Guided Backlit Image Enhancement",
        "Brightens backlit photos along CLIP's direction from dark to well lit.",
        "Enhance",
        "works",
        "Residual vector, its words and their removal, a network taught by it; also CLIP-LIT and its latent form.",
    ),
    Paper(
        27,
        "Discriminative Fine-tuning of LVLMs",
        "Turns a talking vision model into one that embeds, keeping its sense of composition.",
        "Classify",
    ),
    Paper(
        28,
        "Linking Representations with Multimodal Contrastive Learning",
        "Finds records of the same thing by picture and text together.",
        "Classify",
    ),
    Paper(
        29,
        "From Scarcity to Efficiency: Improving CLIP Training via Visual-enriched Captions",
        "Enriches noisy captions with what is seen, and trains on both in turn.",
        "Classify",
    ),
    Paper(
        30,
        "CLIPSep: Learning Text-queried Sound Separation with Noisy Unlabeled Videos",
        "Name a sound and hear it alone; learnt from videos without labels.",
        "Sound",
    ),
    Paper(
        31,
        "Collaborative Vision-Text Representation Optimizing for Open-Vocabulary Segmentation",
        "Tunes both sides for masks of any name, the text adapted to the picture.",
        "Segment",
    ),
    Paper(
        32,
        "Toward a Holistic Evaluation of Robustness in CLIP Models",
        "Tests many CLIPs for robustness, for knowing when nothing fits, and for honest confidence.",
        "Classify",
        "in part",
        "the none-of-these threshold (MCM)",
    ),
    Paper(
        33,
        "DefSent+: sentence embeddings via definition sentences",
        "Sentence embeddings that learn words from their dictionary definitions.",
        "Classify",
    ),
    Paper(
        34,
        "ProtoCLIP: Prototypical Contrastive Language Image Pretraining",
        "Adds contrast between clusters to contrast between pairs.",
        "Classify",
    ),
    Paper(
        35,
        "From Word Vectors to Multimodal Embeddings",
        "A survey from one-hot words to embeddings of many media.",
        "Classify",
    ),
    Paper(
        36,
        "A Progressive Framework of Vision-language Knowledge Distillation and Alignment for Multilingual Scene",
        "Shrinks a CLIP of two languages in two stages.",
        "Classify",
    ),
    Paper(
        37,
        "Visual Classification via Description from Large Language Models",
        "Scores a class by what it should look like, so that every answer has its reasons.",
        "Classify",
        "works",
        "method: by description",
    ),
    Paper(
        38,
        "Geodesic Multi-Modal Mixup for Robust Fine-Tuning",
        "Harder negatives, mixed from picture and text on the sphere where both live.",
        "Classify",
    ),
    Paper(
        39,
        "CLIPTrans: Transferring Visual Knowledge with Pre-trained Models for Multimodal Machine Translation",
        "Translation that looks at the picture when the words alone are unclear.",
        "Classify",
    ),
    Paper(
        40,
        "A Hard-to-Beat Baseline for Training-free CLIP-based Adaptation",
        "A closed-form Gaussian classifier: a few pictures a class teach it at once.",
        "Classify",
        "works",
        "teach by example",
    ),
    Paper(
        41,
        "LangSAMP: Language-Script Aware Multilingual Pretraining",
        "Takes language and script out of word representations, so that meanings meet.",
        "Classify",
    ),
    Paper(
        42,
        "Unified Lexical Representation for Interpretable Visual-Language Alignment",
        "Writes picture and text as a few weighted words that people can read.",
        "Classify",
    ),
    Paper(
        43,
        "CLOOB: Modern Hopfield Networks with InfoLOOB Outperform CLIP",
        "Strengthens what occurs together by an associative memory.",
        "Classify",
    ),
    Paper(
        44,
        "Multilingual Vision-Language Pre-training for the Remote Sensing Domain",
        "A CLIP for satellite pictures in ten languages.",
        "Classify",
    ),
    Paper(
        45,
        "CLIP-MoE: Towards Building Mixture of Experts for CLIP with Diversified Multiplet Upcycling",
        "Copies of CLIP that each learnt something else, joined as experts behind a router.",
        "Classify",
    ),
    Paper(
        46,
        "ALIP: Adaptive Language-Image Pre-training with Synthetic Caption",
        "Weighs each training pair by how well picture, caption and a second caption agree.",
        "Classify",
    ),
    Paper(
        47,
        "Improved baselines for vision-language pre-training",
        "A plain CLIP, trained with care, keeps up with fancier relatives.",
        "Classify",
    ),
    Paper(
        48,
        "LAION-5B: An open large-scale dataset for training next generation image-text models",
        "Billions of open pairs, with an index to look into them and cut subsets.",
        "Classify",
    ),
    Paper(
        49,
        "From Unimodal to Multimodal: Scaling up Projectors to Align Modalities",
        "Joins a frozen vision and a frozen text model by small trained projectors.",
        "Classify",
    ),
    Paper(
        50,
        "CgT-GAN: CLIP-guided Text GAN for Image Captioning",
        "Captions learnt without captioned pictures, steered by CLIP.",
        "Classify",
    ),
    Paper(
        51,
        "Pixel Sentence Representation Learning",
        "Reads sentences as pictures of text, so that typos and scripts matter less.",
        "Classify",
    ),
)
