"""Where Apache Kafka comes from: KAFKA_HOME, else Maven Central, kept in the user's cache."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

from integration.servers import debian, obtain

LABEL = 'Kafka'
VERSION = '4.3.1'
_LOG4J = '2.25.4'
_JAVA = 17
_POM = f"""\
<project xmlns="http://maven.apache.org/POM/4.0.0">
  <modelVersion>4.0.0</modelVersion>
  <groupId>drakkar</groupId>
  <artifactId>kafka-broker</artifactId>
  <version>1</version>
  <packaging>pom</packaging>
  <dependencies>
    <dependency>
      <groupId>org.apache.kafka</groupId>
      <artifactId>kafka_2.13</artifactId>
      <version>{VERSION}</version>
    </dependency>
    <dependency>
      <groupId>org.apache.logging.log4j</groupId>
      <artifactId>log4j-slf4j-impl</artifactId>
      <version>{_LOG4J}</version>
    </dependency>
  </dependencies>
</project>
"""


def find() -> str | None:
    """Return the folder of Kafka's jars, if Java is there too."""
    home = os.environ.get('KAFKA_HOME')
    folder = Path(home) / 'libs' if home else _cached()
    if find_java() is None or not any(folder.glob('kafka_2*.jar')):
        return None
    return str(folder)


def fetch() -> None:
    """Fetch what is missing of Java, Maven and Kafka. Raises NotObtainableError."""
    home = os.environ.get('KAFKA_HOME')
    if home and not any((Path(home) / 'libs').glob('kafka_2*.jar')):
        raise obtain.NotObtainableError(f'{LABEL}: KAFKA_HOME={home} has no libs/kafka_2*.jar')
    if find_java() is None:
        debian.install(LABEL, f'openjdk-{_JAVA}-jre-headless')
    if home:
        return
    if shutil.which('mvn') is None:
        debian.install(LABEL, 'maven')
    folder = _cached()
    # Copied beside and renamed: a folder of that name is always complete.
    fresh = folder.with_name(f'{folder.name}.new')
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(parents=True)
    (fresh / 'pom.xml').write_text(_POM)
    goal = ['dependency:copy-dependencies', '-DincludeScope=runtime', '-DoutputDirectory=.']
    command = ['mvn', '-q', '-B', '-f', str(fresh / 'pom.xml'), *goal]
    obtain.run_step(LABEL, f'fetching Apache Kafka {VERSION} from Maven Central', command)
    shutil.rmtree(folder, ignore_errors=True)
    fresh.rename(folder)


def find_java() -> str | None:
    """Return a Java that is new enough: from JAVA_HOME, PATH or Debian's folders."""
    home = os.environ.get('JAVA_HOME')
    candidates = [str(Path(home) / 'bin' / 'java')] if home else []
    candidates.append(shutil.which('java') or '')
    candidates += map(str, sorted(Path('/usr/lib/jvm').glob('*/bin/java')))
    return next((java for java in candidates if java and _version(java) >= _JAVA), None)


def _version(java: str) -> int:
    try:
        done = subprocess.run([java, '-version'], capture_output=True, text=True, check=False)
    except OSError:
        return 0
    found = re.search(r'version "(\d+)', done.stderr)
    return int(found.group(1)) if found else 0


def _cached() -> Path:
    return obtain.cache_dir() / f'kafka-{VERSION}'
