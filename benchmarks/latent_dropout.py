"""Which ``latent_dropout`` completes best? The same data, steps and seed for each; a decoder alone beside them.

For each value: nats per point after 0, 25, 50 and 75 % of the validation drawings, without z and with z from the
prefix, and L_R and L_KL with z from the whole drawing.
"""

import argparse
import tempfile
from pathlib import Path

from sketchrnn.dataset.load import load
from sketchrnn.model.checkpoint import load_checkpoint
from sketchrnn.model.configuration import ModelConfiguration
from sketchrnn.training.configuration import TrainingConfiguration
from sketchrnn.training.distributed import choose_device, choose_precision
from sketchrnn.training.evaluation import evaluate
from sketchrnn.training.files import last_path
from sketchrnn.training.network.sketch_rnn import SketchRNN
from sketchrnn.training.run import train

MAX_LENGTH = 250


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("files", nargs="+")
    parser.add_argument("--steps", type=int, default=800)
    parser.add_argument("--values", type=float, nargs="+", default=[0.0, 0.25, 0.5, 0.75, 0.9])
    arguments = parser.parse_args()
    drawings, report = load(arguments.files, max_length=MAX_LENGTH)
    print(report, flush=True)
    device = choose_device("auto")
    training = TrainingConfiguration(
        max_steps=arguments.steps,
        batch_size=128,
        learning_rate=1.5e-3,
        learning_rate_schedule="cosine",
        warmup_steps=100,
        clipping="norm",
        clip=0.25,
        precision=choose_precision("auto", device),
        evaluate_every=arguments.steps + 1,
        checkpoint_every=arguments.steps + 1,
    )
    models = {"decoder only": ModelConfiguration(variational=False)}
    models |= {str(value): ModelConfiguration(latent_dropout=value) for value in arguments.values}
    print("| latent_dropout | z | nats at 0 % | 25 % | 50 % | 75 % | L_R | L_KL |\n" + "| --- " * 8 + "|", flush=True)
    for name, model in models.items():
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "model.safetensors"
            train(drawings, model, training, path, max_length=MAX_LENGTH, device=device)
            checkpoint = load_checkpoint(last_path(path))
        network = SketchRNN.from_checkpoint(checkpoint).to(device)
        latents = ["none"] if network.configuration.can_draw_without_latent else []
        latents += ["prefix", "whole"] if model.variational else []
        for latent in latents:
            scores = evaluate(network, drawings.of_split("valid"), checkpoint.offset_scale, MAX_LENGTH, latent=latent)
            nats = " | ".join(f"{value:.3f}" for value in scores.nats_per_point)
            print(
                f"| {name} | {latent} | {nats} | {scores.mean_reconstruction:.4f} | {scores.mean_kl:.3f} |", flush=True
            )


if __name__ == "__main__":
    main()
