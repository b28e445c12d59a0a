"""The command line `plumbline`: one module a group of commands."""

from __future__ import annotations

import importlib

import click

_COMMANDS = {
    "contract": "app.cli.contract:contract",
    "kpi": "app.cli.kpi:kpi",
    "meter": "app.cli.meter:meter",
    "measure": "app.cli.kpi:measure",
    "evidence": "app.cli.evidence:evidence",
    "trends": "app.cli.trends:trends",
    "credits": "app.cli.credits:credits_",
    "claims": "app.cli.claims:claims",
    "payments": "app.cli.payments:payments",
    "invoices": "app.cli.invoices:invoices",
    "journal": "app.cli.journal:journal",
    "price": "app.cli.price:price",
    "run": "app.cli.run:run",
    "simulate": "app.cli.simulate:simulate",
    "e-invoice": "app.cli.e_invoice:e_invoice",
    "provider-invoice": "app.cli.provider_invoice:provider_invoice",
    "verify": "app.cli.verify:verify",
    "demo": "app.cli.demo:demo",
    "audit": "app.cli.audit:audit",
    "migrate": "app.cli.database:migrate",
    "backup": "app.cli.backup:backup",
    "restore": "app.cli.backup:restore",
    "user": "app.cli.users:user",
    "operator": "app.cli.operators:operator",
    "mail": "app.cli.mail:mail",
    "bill": "app.cli.runs:bill",
    "packs": "app.cli.month_runs:packs",
    "imports": "app.cli.month_runs:imports",
    "worker": "app.cli.runs:worker",
    "serve": "app.cli.serve:serve",
}
"""Commands are imported when used: `plumbline contract check` must not load a web server."""


class _LazyGroup(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002 (click calls it so)
        return list(_COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        target = _COMMANDS.get(cmd_name)
        if target is None:
            return None
        module, _, name = target.partition(":")
        command = getattr(importlib.import_module(module), name)
        assert isinstance(command, click.Command)  # noqa: S101 (narrows the type)
        return command


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="plumbline-governance")
def main() -> None:
    """Hold an outsourcing engagement to its contract, every figure open."""
