"""A classifier of texts on a published sentence encoder: few texts, much that was learnt elsewhere.

Fine-tuning trains both, the encoder at a lower rate (Howard and Ruder 2018, section 3.2); low-rank adaptation
trains thin matrices beside it (Hu et al. 2022); a frozen encoder reads every text once, and only the head is
trained on its features.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import torch
from pydantic import Field
from torch import Tensor, nn

from gradschool.data.cache import cache_folder
from gradschool.data.examples import Splits
from gradschool.data.rows import Rows, in_order
from gradschool.data.text.buckets import Buckets
from gradschool.data.text.labelled.labelled import LabelledTexts
from gradschool.data.text.labelled.words import TAGS
from gradschool.data.text.tokens.bert import END, START, BertPieces, load_bert, save_bert
from gradschool.engine.device import Machine
from gradschool.engine.loop import HeldOut
from gradschool.engine.optim import Optim
from gradschool.engine.run import RunFolder
from gradschool.engine.task import Batches
from gradschool.errors import UserError
from gradschool.evals.export import ExportCheck, export_onnx
from gradschool.models.language.bert import Bert
from gradschool.nn.attention.lora import adapt, merge
from gradschool.phrases import counted
from gradschool.runs.finish import rebuilt
from gradschool.runs.language.encoders import body as encoder
from gradschool.runs.language.encoders.body import EncoderNet
from gradschool.runs.language.labelled import LabelledTextRun
from gradschool.runs.run import Count, Pieces, Positive


@dataclass(frozen=True)
class PieceReading:
    """How texts become an encoder's tokens: line breaks of HTML are spaces, [CLS] and [SEP] stand around.

    Args:
        pieces: the encoder's tokeniser.
        longest: tokens of a text that are read, [CLS] and [SEP] among them.
    """

    pieces: BertPieces
    longest: int
    sort: ClassVar[str] = "tokens"

    def of(self, texts: Iterable[str]) -> list[list[int]]:
        """The tokens of each text."""
        return [self.pieces.framed(self.pieces.encode(TAGS.sub(" ", text)), self.longest) for text in texts]

    def shown(self, text: str) -> list[str]:
        """All pieces of a text."""
        ids = self.pieces.encode(TAGS.sub(" ", text))
        return [START, *(self.pieces.shown(token) for token in ids), END]


@dataclass(frozen=True, kw_only=True)
class EncodedTextClassifier(LabelledTextRun):
    """A classifier of texts on a sentence encoder of BERT's kind."""

    kind: ClassVar[str] = "encoded_text_classifier"
    title: ClassVar[str] = "a text classifier on an encoder"
    places: ClassVar[tuple[str, ...]] = ("data", "backbone")

    backbone: str
    """Folder of a BERT encoder, or its name on the Hugging Face Hub: looked up in the cache, not fetched."""
    fetch: bool = False
    """Fetch the encoder by its name where it is not here yet."""
    mode: Literal["frozen", "finetune", "lora"] = "finetune"
    """Train the head alone on features computed once, train all, or thin matrices beside the encoder's."""
    longest: Annotated[int, Field(ge=3)] = 256
    """Tokens of a text that are read; what follows is cut off."""
    layers: Count = 1
    """The features are the means over the tokens in so many last layers."""
    body_rate: Positive = 0.1
    """The encoder's learning rate in fine-tuning, as a share of the head's."""
    rank: Count = 8
    """Of the matrices of low-rank adaptation."""

    @cached_property
    def place(self) -> Path:
        """Where the encoder lies."""
        return encoder.located(self.backbone, self.fetch)

    def network(self) -> str:
        """The encoder's name and what is done with it."""
        return f"{Path(self.backbone).name}, {self.mode}"

    def notes(self) -> list[str]:
        """That encoding takes a while and is kept, where the encoder is frozen."""
        if self.mode != "frozen":
            return []
        return ["The encoder reads every text once, then the head is trained alone. What it makes of them "
                f"is kept in {cache_folder() / 'decoded'} for the next run."]  # fmt: skip

    def warnings(self, splits: Splits[LabelledTexts]) -> list[str]:
        """How many training texts are cut off."""
        reading = self.pipeline(splits.train)
        cut = sum(len(t) > self.longest and len(reading.shown(t)) > self.longest for t in splits.train.texts)
        told = f"{counted(cut, 'training text')} of more than {self.longest} tokens: the rest is cut off."
        return [told] if cut else []

    def pipeline(self, texts: LabelledTexts) -> PieceReading:
        """How the encoder's tokeniser reads texts.

        Raises:
            UserError: the encoder has no so many positions.
        """
        context = encoder.sizes(self.place)["context"]
        if self.longest > context:
            what, wanted = f"longest is {self.longest}", f"{context} or fewer, as the encoder has positions"
            raise UserError(what, wanted, f"Add --set longest={context}.")
        return PieceReading(load_bert(self.place), self.longest)

    def build_model(self, sizes: dict[str, Any], classes: int) -> EncoderNet:
        """Encoder and head with random weights; nothing is read or fetched.

        Raises:
            UserError: the encoder has no so many layers.
        """
        if self.layers > sizes["depth"] + 1:
            wanted = f"1 to {sizes['depth'] + 1}, as the encoder has"
            raise UserError(f"layers is {self.layers}", wanted, "Leave layers out.")
        return EncoderNet(Bert(**sizes), self.layers, classes)

    def start_model(self, texts: LabelledTexts, reading: PieceReading) -> EncoderNet:
        """The encoder as it was published, with a fresh head."""
        model = self.build_model(encoder.sizes(self.place), len(texts.classes))
        encoder.load_weights_of(self.place, model.body)
        return self.prepared(model)

    def prepared(self, model: EncoderNet) -> EncoderNet:
        """The same with matrices beside the encoder's, or a frozen encoder, as the mode says.

        Raises:
            UserError: the encoder has no room for matrices of that rank.
        """
        if self.mode == "lora":
            width = model.body.tokens.weight.shape[1]
            if self.rank > width:
                raise UserError(f"rank is {self.rank}", f"1 to {width}, the encoder's width")
            adapt(model.body, self.rank, 2.0 * self.rank)
        else:
            model.body.requires_grad_(self.mode == "finetune")
        return model

    def rebuild(self, facts: dict[str, Any]) -> nn.Module:
        """The model of a finished run, before its weights."""
        return self.prepared(self.build_model(facts["sizes"], len(facts["classes"])))

    def optim(self) -> Optim:
        """The head at the full rate, the encoder at its share of it."""
        rates = (("body.", self.body_rate),) if self.mode == "finetune" else ()
        return replace(super().optim(), rates=rates)

    def feed(
        self, model: nn.Module, batches: Buckets, held_out: HeldOut, machine: Machine
    ) -> tuple[nn.Module, Batches, HeldOut]:
        """A frozen run trains the head on features, computed here once; others train on tokens."""
        if self.mode != "frozen":
            return model, batches, held_out
        assert isinstance(model, EncoderNet)
        # 1. Features of the training part and of the part that is looked at meanwhile, together: another seed
        #    cuts them elsewhere and need not read them again.
        held = list(held_out())
        looked_at = [row[:n].tolist() for x, lengths, _ in held for row, n in zip(x, lengths, strict=True)]
        labels = machine.place(torch.cat([each[-1] for each in held]))
        features = machine.place(encoder.features_of(model, [*batches.sequences, *looked_at], machine))
        # 2. Scaled as those of the training part are.
        count = len(batches.sequences)
        model.standardise(features[:count])
        features = model.standard(features)
        fed = Rows((features[:count], machine.place(batches.labels)), batches.batch_size, batches.seed,
                   batches.share)  # fmt: skip
        return model.head, fed, lambda: in_order((features[count:], labels), 2 * self.batch_size)

    def logits(self, model: nn.Module, tokens: Sequence[Sequence[int]], machine: Machine) -> Tensor:
        """What the network says of the test part; its features are kept, so a report need not wait."""
        assert isinstance(model, EncoderNet)
        features = machine.place(encoder.features_of(model, tokens, machine))
        with torch.no_grad():
            return model.head(model.standard(features)).float().cpu()

    def reading_of(self, facts: dict[str, Any]) -> PieceReading:
        """The encoder's tokeniser, as the run's folder keeps it."""
        tokeniser = BertPieces.of(facts["tokeniser"])
        assert isinstance(tokeniser, BertPieces)
        return PieceReading(tokeniser, facts["longest"])

    def described(self, pieces: Pieces) -> dict[str, Any]:
        """The encoder's sizes and tokeniser: the run's folder stands alone."""
        return {"sizes": encoder.sizes(self.place), "tokeniser": pieces.pipeline.pieces.facts()}

    def export(self, folder: RunFolder, out: Path | None) -> ExportCheck:
        """Write the network as ONNX and check it, tokenizer.json beside it; texts of a batch are of the same
        length.
        """
        model, facts = rebuilt(folder, self)
        kinds, longest = facts["sizes"]["pieces"], facts["longest"]

        def tokens(size: int, generator: torch.Generator) -> Tensor:
            return torch.randint(kinds, (size, min(20 + size, longest)), generator=generator)

        file = out or folder.path / "model.onnx"
        known = {name: facts[name] for name in ("classes", "longest")}
        example, most = tokens(2, torch.Generator().manual_seed(0)), facts["sizes"]["context"]
        check = export_onnx(merge(model), example, file, known, tokens, most)
        save_bert(self.reading_of(facts).pieces, file.with_name("tokenizer.json"))
        return check
