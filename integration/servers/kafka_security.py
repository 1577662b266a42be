"""Listeners of Kafka that encrypt, and that have users log in; certificates made for them."""

from __future__ import annotations

import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

from integration.servers import debian, kafka_program, ports

LISTENERS = {
    'SSL': 'SSL',
    'MUTUAL': 'SSL',  # asks for a certificate of the client
    'SASL_PLAINTEXT': 'SASL_PLAINTEXT',
    'SASL_SSL': 'SASL_SSL',
}
"""Names of the listeners, and the protocol that each speaks."""

_SCRAM = ('SCRAM-SHA-256', 'SCRAM-SHA-512')
_MECHANISMS = ('PLAIN', *_SCRAM)
_MODULES = 'org.apache.kafka.common.security'
_NEW_KEY = ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes']
_DAYS = '2'
# What a strict client (Python 3.13) wants of a certificate.
_SERVER = f"""\
basicConstraints=critical,CA:FALSE
subjectKeyIdentifier=hash
authorityKeyIdentifier=keyid
subjectAltName=IP:{ports.HOST}
"""


@dataclass(slots=True)
class KafkaSecurity:
    """What a broker needs for `LISTENERS`, with certificates in `folder`.

    Args:
        folder: where certificates are made: `ca.pem` vouches for `server.pem` (of 127.0.0.1, not
            of localhost) and `client.pem`; `other.pem` is another authority. Keys are within.
        users: name → password, for PLAIN and for SCRAM.
    """

    folder: Path
    users: dict[str, str] = field(default_factory=lambda: {'alice': 'wonder-land'})

    def initialise(self) -> None:
        """Make the certificates. Raises NotObtainableError, CalledProcessError."""
        if shutil.which('openssl') is None:
            debian.install(kafka_program.LABEL, 'openssl')
        self._authority('ca')
        self._authority('other')
        for name in ('server', 'client'):
            self._signed(name)

    def path(self, name: str) -> str:
        """Return the file of a certificate: `ca`, `other`, `server` or `client`."""
        return str(self.folder / f'{name}.pem')

    def settings(self) -> dict[str, str]:
        """Return what server.properties says of the listeners, beside their addresses."""
        users = ' '.join(f'user_{name}="{word}"' for name, word in self.users.items())
        settings = {
            'ssl.keystore.type': 'PEM',
            'ssl.keystore.location': self.path('server'),
            'ssl.truststore.type': 'PEM',
            'ssl.truststore.location': self.path('ca'),
            'listener.name.mutual.ssl.client.auth': 'required',
            'sasl.enabled.mechanisms': ','.join(_MECHANISMS),
        }
        for listener in ('sasl_plaintext', 'sasl_ssl'):
            start = f'listener.name.{listener}'
            plain = f'{_MODULES}.plain.PlainLoginModule required {users};'
            settings[f'{start}.plain.sasl.jaas.config'] = plain
            for mechanism in _SCRAM:
                scram = f'{_MODULES}.scram.ScramLoginModule required;'
                settings[f'{start}.{mechanism.lower()}.sasl.jaas.config'] = scram
        return settings

    def format_words(self) -> list[str]:
        """Return words for `StorageTool format`: it writes the users of SCRAM."""
        return [
            word
            for mechanism in _SCRAM
            for name, password in self.users.items()
            for word in ('--add-scram', f'{mechanism}=[name={name},password={password}]')
        ]

    def _authority(self, name: str) -> None:
        self._openssl(
            *('req', '-x509', *_NEW_KEY, '-subj', f'/CN=drakkar test {name}', '-days', _DAYS),
            *('-addext', 'keyUsage=critical,keyCertSign,cRLSign'),
            *('-keyout', f'{name}.key', '-out', f'{name}.pem'),
        )

    def _signed(self, name: str) -> None:
        (self.folder / 'extensions').write_text(_SERVER)
        subject = ('-subj', f'/CN=drakkar test {name}')
        self._openssl('req', '-new', *_NEW_KEY, *subject, '-keyout', f'{name}.key', '-out', 'csr')
        by = ('-CA', 'ca.pem', '-CAkey', 'ca.key', '-CAcreateserial', '-extfile', 'extensions')
        self._openssl('x509', '-req', '-in', 'csr', *by, '-days', _DAYS, '-out', 'crt')
        parts = [self.folder / f'{name}.key', self.folder / 'crt']
        Path(self.path(name)).write_text(''.join(part.read_text() for part in parts))

    def _openssl(self, *words: str) -> None:
        subprocess.run(['openssl', *words], cwd=self.folder, check=True, capture_output=True)
