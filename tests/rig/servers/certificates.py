"""A certificate authority made for one rig, the servers' certificate under it, and an authority nobody signed with."""

from __future__ import annotations

import subprocess
from pathlib import Path

from .layout import Rig

VALID_DAYS = "30"
KEY = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes")


def make(rig: Rig) -> None:
    """Writes `ca.pem`, `wrong-ca.pem`, `server.pem` and `server.key` to the rig's `tls` directory."""
    directory = rig.dir / "tls"
    directory.mkdir()
    _authority(directory, "ca", "Posthaste rig CA")
    _authority(directory, "wrong-ca", "Posthaste rig CA that signed nothing")
    extensions = directory / "server.ext"
    extensions.write_text(
        "basicConstraints=critical,CA:FALSE\n"
        "keyUsage=critical,digitalSignature\n"
        "extendedKeyUsage=serverAuth\n"
        "subjectAltName=DNS:localhost,IP:127.0.0.1,IP:::1\n"
    )
    _openssl(directory, "req", *KEY, "-subj", "/CN=localhost", "-keyout", "server.key", "-out", "server.csr")
    _openssl(
        directory, "x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
        "-extfile", extensions.name, "-days", VALID_DAYS, "-out", "server.pem",
    )


def _authority(directory: Path, name: str, common_name: str) -> None:
    _openssl(
        directory, "req", "-x509", *KEY, "-subj", f"/CN={common_name}", "-days", VALID_DAYS,
        "-addext", "keyUsage=critical,keyCertSign,cRLSign", "-keyout", f"{name}.key", "-out", f"{name}.pem",
    )


def _openssl(directory: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=directory, check=True, capture_output=True, text=True)
