"""What Maven's pom.xml, Gradle's build files and Java say."""

from __future__ import annotations

import re

from sim.init.facts import Facts
from sim.init.sources import check_path, first, label, secrets_among

_PARENT = re.compile(r"<parent>.*?</parent>", re.DOTALL)


def read_pom(text: str) -> Facts:
    """The jar that `mvn package` makes, and what its dependencies tell."""
    own = re.sub(
        r"<dependencies>.*?</dependencies>|<build>.*?</build>",
        "",
        _PARENT.sub("", text),
        flags=re.DOTALL,
    )
    artifact, version = (
        first(r"<artifactId>\s*([^<\s]+)", own),
        first(r"<version>\s*([^<\s]+)", own),
    )
    name = first(r"<finalName>\s*([^<\s$]+)\s*<", text) or f"{artifact}-{version}"
    spring = "spring-boot" in text
    whole = artifact and (spring or "maven-shade-plugin" in text or "maven-assembly-plugin" in text)
    copied = "" if whole else " dependency:copy-dependencies"
    return Facts(
        app=label(artifact or ""),
        command=_run(f"target/{name}.jar", spring=spring) if whole else (),
        prepare=f"mvn -q -DskipTests package{copied}",
        database="org.postgresql" if "<groupId>org.postgresql<" in text else None,
        check="/actuator/health" if "spring-boot-starter-actuator" in text else None,
    )


def _run(jar: str, *, spring: bool) -> tuple[str, ...]:
    if spring:  # which reads SERVER_PORT, and no PORT
        return ("sh", "-c", f"SERVER_PORT=$PORT exec java -jar {jar}")
    return ("java", "-jar", jar)


def read_java(text: str, name: str) -> Facts:
    """What a source file of Java tells. One with `main` at the top of the folder runs as it is."""
    main = re.search(r"\bstatic\s+void\s+main\s*\(", text) is not None
    port = None if "PORT" in text else first(r"InetSocketAddress\(\s*(\d{2,5})\s*\)", text)
    return Facts(
        command=_main(text, name) if main else (),
        fixed_port=int(port) if port else None,
        check=check_path(text),
        needs=secrets_among(re.findall(r'System\.getenv\("([A-Z][A-Z0-9_]*)"\)', text)),
        websocket=first(r"""@ServerEndpoint\(\s*(?:value\s*=\s*)?"(/[^"]*)\"""", text),
    )


def _main(text: str, name: str) -> tuple[str, ...]:
    """A file of its own, or a class among those that Maven compiled and the jars beside them."""
    if "/" not in name:
        return ("java", name)
    package = first(r"(?m)^package\s+([\w.]+)\s*;", text)
    known = name.rpartition("/")[2].removesuffix(".java")
    return (
        "java",
        "-cp",
        "target/classes:target/dependency/*",
        ".".join(filter(None, (package, known))),
    )
