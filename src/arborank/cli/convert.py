"""`arborank convert`."""

import click

from .files import check_destination
from .options import force_option
from .reporting import say

__all__ = ["convert"]


@click.command(short_help="Import a PECOS XR-Linear model.")
@click.argument("source", metavar="PECOS_DIR", type=click.Path(exists=True, file_okay=False))
@click.argument("directory", metavar="MODEL", type=click.Path())
@force_option
def convert(source: str, directory: str, force: bool) -> None:
    """Import the XR-Linear model in PECOS_DIR and save it as MODEL; its scores stay the same to 1e-5."""
    from ..linear import XRLinear

    check_destination(directory, force)
    model = XRLinear.from_pecos(source)
    model.save(directory)
    say(f"saved {directory}: {model.n_labels_:,} labels, {model.n_features_in_:,} features")
