"""What each kind of file says."""

import pytest

from sim.init.command_lines import command_of_line
from sim.init.compose_file import read_compose
from sim.init.dockerfile import read_dockerfile
from sim.init.facts import Build, Part
from sim.init.golang import read_go, read_go_mod
from sim.init.jvm import read_java, read_pom
from sim.init.node import read_javascript, read_package
from sim.init.procfile import read_procfile
from sim.init.python import read_pyproject, read_python, read_requirements


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("node server.js", ("node", "server.js")),
        ("uvicorn a:b --port 8000", ("sh", "-c", 'exec uvicorn a:b --port "$PORT"')),
        ("x --host 127.0.0.1 -p 80", ("sh", "-c", 'exec x --host "$HOST" -p "$PORT"')),
        ("gunicorn a -b 0.0.0.0:80", ("sh", "-c", 'exec gunicorn a -b "$HOST:$PORT"')),
        ("./run --port=$PORT", ("sh", "-c", "exec ./run --port=$PORT")),
        ("./migrate && ./run", ("sh", "-c", "./migrate && ./run")),
        ("X=1 ./run", ("sh", "-c", "X=1 ./run")),
        ("cp a b -p", ("cp", "a", "b", "-p")),
    ],
)
def test_a_command_line_listens_where_the_machine_does(line: str, words: tuple[str, ...]) -> None:
    assert command_of_line(line) == words


def test_a_dockerfile_says_command_port_and_check() -> None:
    facts = read_dockerfile(
        "FROM a AS build\nCMD no\nFROM b\nEXPOSE 3000/tcp\n"
        "HEALTHCHECK --interval=5s CMD curl -f http://localhost:3000/up?x=1 || exit 1\n"
        'ENTRYPOINT ["node"]\nCMD ["s.js"]\n'
    )
    assert (facts.command, facts.port, facts.check) == (("node", "s.js"), 3000, "/up?x=1")


def test_a_procfile_says_what_web_runs() -> None:
    assert read_procfile("worker: w\nweb: node s.js\n").command == ("node", "s.js")
    assert read_procfile("worker: w\n").command == ()


COMPOSE = """
services:
  db:
    image: postgres:16
    environment: {POSTGRES_PASSWORD: pw}
  cache: {image: "redis:7-alpine"}
  worker: {build: ., command: node worker.js}
  gateway:
    build: .
    command: node server.js
    ports: ["127.0.0.1:80:9000"]
    environment:
      DATABASE_URL: postgres://me:pw@db:5432/app
      REDIS_URL: redis://cache:6379/0
      REDIS_HOST: cache
      REDIS_PORT: 6379
      LOG: info
      LEVEL: ${LEVEL:-3}
      SIGN_SECRET: ${SIGN_SECRET}
    healthcheck: {test: ["CMD", "curl", "-f", "http://localhost:9000/healthz"]}
"""


def test_a_compose_file_says_which_service_is_what() -> None:
    facts = read_compose(COMPOSE)
    assert (facts.app, facts.command, facts.port) == ("gateway", ("node", "server.js"), 9000)
    assert facts.check == "/healthz"
    assert facts.database == "db"
    assert facts.needs == ("SIGN_SECRET",)
    leading = {"REDIS_URL": "redis://$HOST:$PORT/0", "REDIS_HOST": "$HOST", "REDIS_PORT": "$PORT"}
    assert facts.parts == {"cache": Part("redis:7-alpine", 6379, leading)}
    assert facts.notes == (
        "service `worker` is left out: it has no image, or no port that is known",
    )
    assert facts.env == {"LOG": "info", "LEVEL": "3"}


def test_a_compose_file_of_another_database_variable_says_so() -> None:
    text = "services: {db: {image: postgres}, a: {build: ., environment: [PG=postgresql://db/x]}}"
    (note,) = read_compose(text).notes
    assert "PG: the world's database is told of by DATABASE_URL alone" in note


@pytest.mark.parametrize("text", ["a: [", "- a", "services: 3", "", "services: {a: 1}"])
def test_a_compose_file_that_says_nothing_is_passed_over(text: str) -> None:
    assert read_compose(text).app is None


def test_a_package_says_command_dependencies_and_what_to_do_first() -> None:
    facts = read_package(
        '{"scripts": {"start": "node dist/a.js --port 3", "build": "tsc"},'
        ' "dependencies": {"pg": ""}}'
    )
    assert facts.command == ("sh", "-c", 'exec node dist/a.js --port "$PORT"')
    assert facts.prepare == "npm install && npm run build"
    assert facts.database == "pg"


@pytest.mark.parametrize("text", ["{", "[]", '{"scripts": 3, "dependencies": 4, "name": 5}'])
def test_a_package_that_says_nothing_is_passed_over(text: str) -> None:
    assert read_package(text).command == ()


def test_javascript_says_event_and_paths() -> None:
    facts = read_javascript(
        "import { Server } from 'socket.io'; createServer(); io.on('say', async (m, ack) => {})",
        "index.js",
    )
    assert (facts.event, facts.socketio, facts.command) == ("say", True, ("node", "index.js"))
    assert read_javascript("socket.on('say', (m) => {})", "a.js").event is None


@pytest.mark.parametrize(
    ("name", "source", "path"),
    [
        ("a.ts", "app.get('/presence', { websocket: true }, handler)", "/presence"),
        ("a.ts", "app.get('/presence', { schema }, handler)", None),
        ("a.js", "new WebSocketServer({path: '/live'})", "/live"),
        (
            "a.py",
            "web.WebSocketResponse(); router.add_get('/rooms/{room}/ws', f)",
            "/rooms/{room}/ws",
        ),
        ("a.py", "web.WebSocketResponse()\n@routes.get('/chat')", "/chat"),
        ("a.py", "router.add_get('/chat', f)", None),
    ],
)
def test_the_path_of_a_websocket(name: str, source: str, path: str | None) -> None:
    read = read_python if name.endswith(".py") else read_javascript
    assert read(source, name).websocket == path


def test_python_says_its_app() -> None:
    source = 'app = FastAPI()\n@app.websocket("/ws")\nos.environ["API_TOKEN"]\n"/health"\n'
    facts = read_python(source, "src/main.py")
    line = "exec python -m uvicorn src.main:app --host $HOST --port $PORT"
    assert facts.command == ("sh", "-c", line)
    assert (facts.websocket, facts.check, facts.needs) == ("/ws", "/health", ("API_TOKEN",))
    assert read_python("x = 1", "a.py").command == ()


def test_python_dependencies_say_what_to_install() -> None:
    assert read_requirements("fastapi\nasyncpg[x]>=1\n").database == "asyncpg"
    facts = read_pyproject('[project]\nname = "a_b"\ndependencies = ["psycopg[binary]>=3"]\n')
    assert (facts.app, facts.database) == ("a-b", "psycopg")
    assert facts.prepare == "python3 -m venv .venv && .venv/bin/pip install -e ."
    assert "is not TOML" in read_pyproject("[").notes[0]


def test_go_says_where_its_program_is() -> None:
    facts = read_go(
        'package main\nfunc main() { http.HandleFunc("/healthz", h) }', "cmd/gw/main.go"
    )
    assert facts.command == ("./sim/gateway",)
    assert facts.prepare == "go build -o sim/gateway ./cmd/gw"
    assert facts.check == "/healthz"
    assert read_go('package main\nfunc main() {}\nx(":8080")', "main.go").fixed_port == 8080
    assert read_go("package other", "a.go").command == ()
    module = read_go_mod("module example.com/My_Gw\nrequire github.com/lib/pq v1\n")
    assert (module.app, module.database) == ("my-gw", "github.com/lib/pq")


def test_java_says_its_jar_its_class_or_its_file() -> None:
    pom = "<project><artifactId>gw</artifactId><version>1.0</version>{}</project>"
    shaded = read_pom(pom.format("<artifactId>maven-shade-plugin</artifactId>"))
    assert shaded.command == ("java", "-jar", "target/gw-1.0.jar")
    spring = read_pom(pom.format("<parent><artifactId>spring-boot-p</artifactId></parent>"))
    line = "SERVER_PORT=$PORT exec java -jar target/gw-1.0.jar"
    assert spring.command == ("sh", "-c", line)
    plain = read_pom(pom.format(""))
    assert plain.command == ()
    assert plain.prepare == "mvn -q -DskipTests package dependency:copy-dependencies"
    source = "package a.b;\npublic class Gw { public static void main(String[] a) {} }"
    assert read_java(source, "Gw.java").command == ("java", "Gw.java")
    compiled = read_java(source, "src/main/java/a/b/Gw.java").command
    assert compiled == ("java", "-cp", "target/classes:target/dependency/*", "a.b.Gw")


def test_a_port_that_only_a_command_or_the_code_says() -> None:
    assert read_dockerfile('FROM a\nCMD ["uvicorn", "a:b", "--port", "8000"]').port == 8000
    source = 'web.run_app(app, port=9000)\nif __name__ == "__main__":\n'
    assert read_python(source, "a.py").fixed_port == 9000
    assert read_python(f"{source}os.environ['PORT']", "a.py").fixed_port is None


def test_a_compose_file_says_how_its_image_is_made() -> None:
    text = "services: {a: {build: {context: ./src, dockerfile: D, args: {BASE: '${B:-x:1}'}}}}"
    assert read_compose(text).build == Build("src", "D", {"BASE": "x:1"})
    assert read_compose("services: {a: {build: ./}}").build == Build(".")


@pytest.mark.parametrize(
    ("flag", "told"),
    [
        ('addr = flag.String("addr", ":9000", "where")', '-addr "$HOST:$PORT"'),
        ('port := flag.Int("port", 9000, "which")', '-port "$PORT"'),
        ('flag.StringVar(&cfg.Listen, "listen", "0.0.0.0:9000", "")', '-listen "$HOST:$PORT"'),
    ],
)
def test_a_go_program_is_told_its_address_by_its_flag(flag: str, told: str) -> None:
    facts = read_go(f"package main\nfunc main() {{ {flag} }}", "main.go")
    assert facts.command == ("sh", "-c", f"exec ./sim/gateway {told}")
    assert facts.fixed_port is None


def test_a_workspace_of_packages_is_installed() -> None:
    assert read_package('{"workspaces": ["apps/*"]}').prepare == "npm install"


@pytest.mark.parametrize("path", ["/status", "/up", "/api/status"])
def test_a_check_may_be_called_otherwise(path: str) -> None:
    assert read_javascript(f"if (req.url === '{path}') ok()", "s.js").check == path
