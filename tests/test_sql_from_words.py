"""What people ask of tables in plain words, and the statement that a database's tools get for it."""

from __future__ import annotations

import pytest

from dynamic_plugins.embedded.actions.call_candidates import candidates
from dynamic_plugins.embedded.context import known_tables
from dynamic_plugins.embedded.context.message import Message
from dynamic_plugins.embedded.context.references import Memory
from dynamic_plugins.embedded.context.request import Exchange, Made, Offered
from dynamic_plugins.embedded.slots.slot_filling import fill


def tool(name: str, description: str, told: str) -> Offered:
    schema = {"type": "object", "properties": {"query": {"type": "string", "description": told}}, "required": ["query"]}
    return Offered(f"sqlite__{name}", description, schema)


READ = tool("read_query", "Execute a SELECT query on the database", "SELECT SQL query to execute")
WRITE = tool("write_query", "Execute an INSERT, UPDATE, or DELETE query on the database", "SQL query to execute")
CREATE = tool("create_table", "Create a new table in the database", "CREATE TABLE SQL statement")
ANY = Offered(
    "db__run", "Run a statement", {"type": "object", "properties": {"sql": {"type": "string"}}, "required": ["sql"]}
)


def call(name: str, result: object = "ok", **arguments: object) -> Exchange:
    return Exchange("and now", [Made(f"sqlite__{name}", arguments, result)], "There you are.")


def ran(code: str, result: object = "1 row") -> Exchange:
    return call("read_query" if code.lower().startswith("select") else "write_query", result, query=code)


BEES = [
    call("list_tables", ["hives", "keepers"]),
    call("describe_table", "id INTEGER, spot TEXT, frames INTEGER, queen TEXT", table_name="hives"),
]
SHOWN = [
    *BEES,
    ran(
        "SELECT * FROM hives WHERE frames < 9",
        [
            (
                "I should like to see every row of invoices where status is 'unpaid' and net exceeds 5000.",
                [],
                "SELECT * FROM invoices WHERE status = 'unpaid' AND net > 5000",
            ),
            {"id": 4, "spot": "orchard", "frames": 8, "queen": "marked blue"},
            {"id": 7, "spot": "old mill", "frames": 5, "queen": "none"},
        ],
    ),
]
CHAIRS = [
    ran(
        "select code, price, sold from chairs where sold = 0",
        '[{"code": "AX-1", "price": 120.5, "sold": 0}, {"code": "BQ-7", "price": 80, "sold": 0}]',
    )
]
TICKETS = [
    call("describe_table", "nr INTEGER, day TEXT (YYYY-MM-DD), used INTEGER (0/1), price REAL", table_name="tickets")
]
ADDED = [ran("INSERT INTO debts (who, eur, paid) VALUES ('Adler, Ina', 75.50, 0)")]
TOP = [
    ran("SELECT who, pts FROM league ORDER BY pts DESC LIMIT 3", [{"who": "Ada", "pts": 9}, {"who": "Bo", "pts": 7}])
]
MONTH = [ran("SELECT AVG(eur) FROM bills WHERE kind = 4 AND month = '2025-03'", [{"AVG(eur)": 3}])]

HONEY = [call("describe_table", "id INTEGER, hive INTEGER, day TEXT, kilo REAL", table_name="honey")]
ROOMS = [
    call(
        "describe_table",
        "id INTEGER, guest TEXT, arrival TEXT, nights INTEGER, room TEXT, dog INTEGER, paid INTEGER",
        table_name="stays",
    )
]
STAYED = [*ROOMS, ran("INSERT INTO stays (guest, arrival, nights, room) VALUES ('Ana', '2026-05-02', 3, 'Blue')")]
COUNTED = [*ROOMS, ran("SELECT COUNT(*) FROM stays WHERE arrival LIKE '%-08-%'", [{"COUNT(*)": 11}])]
ORCHARD = [*BEES, ran("SELECT * FROM hives WHERE id = 4", [{"id": 4, "spot": "orchard", "frames": 8}])]


def written(said: str, before: list[Exchange], offered: Offered) -> str | None:
    (value,) = fill(offered, Message(said, Memory(before))).arguments.values() or (None,)
    return value


READS = [
    # rows are counted
    ("how many rows in barrels", [], "SELECT COUNT(*) FROM barrels"),
    ("HOW MANY ROWS ARE IN hives?", BEES, "SELECT COUNT(*) FROM hives"),
    ("need the row count of keepers", BEES, "SELECT COUNT(*) FROM keepers"),
    ("cuántos renglones llevamos en colmenas", [], "SELECT COUNT(*) FROM colmenas"),
    ("Wie viele Zeilen hat die Tabelle bienen?", [], "SELECT COUNT(*) FROM bienen"),
    ("combien de lignes dans la table ruches", [], "SELECT COUNT(*) FROM ruches"),
    ("quante righe ci sono nella tabella arnie?", [], "SELECT COUNT(*) FROM arnie"),
    ("quantas linhas tem na tabela colmeias", [], "SELECT COUNT(*) FROM colmeias"),
    ("ile wierszy jest w tabeli ule", [], "SELECT COUNT(*) FROM ule"),
    ("how many hives have frames below 6?", BEES, "SELECT COUNT(*) FROM hives WHERE frames < 6"),
    ("count the tickets where used is 1", TICKETS, "SELECT COUNT(*) FROM tickets WHERE used = 1"),
    ("how many tickets are there for 3 May 2026", TICKETS, "SELECT COUNT(*) FROM tickets WHERE day = '2026-05-03'"),
    # a figure of a column
    ("average of frames there?", BEES, "SELECT AVG(frames) FROM hives"),
    ("total of loans.fee please", [], "SELECT SUM(fee) FROM loans"),
    ("what's the highest price in chairs", CHAIRS, "SELECT MAX(price) FROM chairs"),
    ("Durchschnitt von frames in hives", BEES, "SELECT AVG(frames) FROM hives"),
    ("la suma de price en chairs", CHAIRS, "SELECT SUM(price) FROM chairs"),
    ("what's the total?", HONEY, "SELECT SUM(kilo) FROM honey"),
    ("wie viel kilo insgesamt", HONEY, "SELECT SUM(kilo) FROM honey"),
    ("how many nights in total?", ROOMS, "SELECT SUM(nights) FROM stays"),
    ("total kilo per hive", HONEY, "SELECT hive, SUM(kilo) FROM honey GROUP BY hive"),
    ("how many rows per spot in hives", BEES, "SELECT spot, COUNT(*) FROM hives GROUP BY spot"),
    ("how many different queen are there in hives", BEES, "SELECT COUNT(DISTINCT queen) FROM hives"),
    # values that stand beside a column's name, or that a column is known to hold
    ("How many rows are there in orders with status late?", [], "SELECT COUNT(*) FROM orders WHERE status = 'late'"),
    ("how many hives are in the orchard", SHOWN, "SELECT COUNT(*) FROM hives WHERE spot = 'orchard'"),
    ("kovanlar tablosunda (no, yer, durum) kaç tane var? durumu 'boş' olanlar", [],
     "SELECT COUNT(*) FROM kovanlar WHERE durum = 'boş'"),
    ("in my table trips (there is who, arrival, km) how many arrive in August?", [],
     "SELECT COUNT(*) FROM trips WHERE arrival LIKE '%-08-%'"),
    ("quick: how many jars left? table pantry, item jars", [], "SELECT * FROM pantry WHERE item = 'jars'"),
    # columns that hold yes or no
    ("Bitte zeigen Sie mir alles, was noch nicht paid ist.", ROOMS, "SELECT * FROM stays WHERE paid = 0"),
    ("show me which are not paid", ROOMS, "SELECT * FROM stays WHERE paid = 0"),
    ("how many of the stays are paid", ROOMS, "SELECT COUNT(*) FROM stays WHERE paid = 1"),
    ("and of these, who brings a dog", COUNTED, "SELECT * FROM stays WHERE arrival LIKE '%-08-%' AND dog = 1"),
    # rows are shown
    ("show me everything in the hives table", BEES, "SELECT * FROM hives"),
    ("give me all rows of keepers", BEES, "SELECT * FROM keepers"),
    ("all the hives with frames above 7", BEES, "SELECT * FROM hives WHERE frames > 7"),
    ("rows with spot orchard", SHOWN, "SELECT * FROM hives WHERE spot = 'orchard'"),
    ("muéstrame todo de hives con spot = 'río'", BEES, "SELECT * FROM hives WHERE spot = 'río'"),
    ("aus der Tabelle fässer alles, wo leer = 1", [], "SELECT * FROM fässer WHERE leer = 1"),
    ("which tickets aren't used? all of them please", TICKETS, "SELECT * FROM tickets WHERE used = 0"),
    ("show spot and queen from hives", BEES, "SELECT spot, queen FROM hives"),
    ("the five biggest by frames from hives", BEES, "SELECT * FROM hives ORDER BY frames DESC LIMIT 5"),
    ("top 3 hives by frames", BEES, "SELECT * FROM hives ORDER BY frames DESC LIMIT 3"),
    ("show all hives sorted by spot", BEES, "SELECT * FROM hives ORDER BY spot"),
    ("all hives where queen is 'O''Neil'", BEES, "SELECT * FROM hives WHERE queen = 'O''Neil'"),
    # the last one with something else in it
    ("same for sold = 1", CHAIRS, "select code, price, sold from chairs where sold = 1"),
    ("same where frames = 2", [ran("SELECT spot FROM hives ORDER BY spot")],
     "SELECT spot FROM hives WHERE frames = 2 ORDER BY spot"),
    ("now with where spot='mill'", [ran("select count(*) from hives"), ran("select spot from hives")],
     "select spot from hives where spot='mill'"),
    ("again with 10", TOP, "SELECT who, pts FROM league ORDER BY pts DESC LIMIT 10"),
    ("only the top 1 please", TOP, "SELECT who, pts FROM league ORDER BY pts DESC LIMIT 1"),
    ("and the same for keepers", [*BEES, ran("SELECT COUNT(*) FROM hives", "2")], "SELECT COUNT(*) FROM keepers"),
    ("und für Juni?", MONTH, "SELECT AVG(eur) FROM bills WHERE kind = 4 AND month = '2025-06'"),
    ("lo mismo pero del día 9", [ran("SELECT SUM(kg) FROM pan WHERE dia = '2025-02-08'")],
     "SELECT SUM(kg) FROM pan WHERE dia = '2025-02-09'"),
    ("and december?", [ran("SELECT COUNT(*) FROM trips WHERE at >= '2025-03-01' AND at < '2025-04-01'")],
     "SELECT COUNT(*) FROM trips WHERE at >= '2025-12-01' AND at < '2026-01-01'"),
    ("und Mühle?", [ran("SELECT * FROM hives WHERE spot = 'Hof' AND frames = 3")],
     "SELECT * FROM hives WHERE spot = 'Mühle' AND frames = 3"),
    ("and frames?", [*BEES, ran("SELECT MAX(id) FROM hives", "[{'MAX(id)': 7}]")], "SELECT MAX(frames) FROM hives"),
    ("who still owes me money. invoices table, paid = 0", [], "SELECT * FROM invoices WHERE paid = 0"),
    ("how many bikes sit in the jobs table as 'waiting'? column is status i think", [],
     "SELECT COUNT(*) FROM jobs WHERE status = 'waiting'"),
]  # fmt: skip
WRITES = [
    # rows are added
    ("write it in table sales: pears, 12, 40.5. the columns is fruit, boxes, paid", [],
     "INSERT INTO sales (fruit, boxes, paid) VALUES ('pears', 12, 40.5)"),
    ("add 'north wall', 10, clipped to hives", BEES,
     "INSERT INTO hives (spot, frames, queen) VALUES ('north wall', 10, 'clipped')"),
    ("put into table hives: spot pond, frames 3, queen young", BEES,
     "INSERT INTO hives (spot, frames, queen) VALUES ('pond', 3, 'young')"),
    ("same with 'Behr, Udo', 20, 1", ADDED, "INSERT INTO debts (who, eur, paid) VALUES ('Behr, Udo', 20, 1)"),
    ("Dasselbe für 'Behr, Udo' mit 20.10", ADDED, "INSERT INTO debts (who, eur, paid) VALUES ('Behr, Udo', 20.10, 0)"),
    ("likewise Udo Behr with 20", ADDED, "INSERT INTO debts (who, eur, paid) VALUES ('Udo Behr', 20, 0)"),
    # values that are listed find their columns: by name, as a day, as the only number, texts in their order
    ("Please put also Familie Brandt, 14 August 2025, 5 nights, room Ulivo, with dog", ROOMS,
     "INSERT INTO stays (guest, arrival, nights, room, dog) VALUES ('Familie Brandt', '2025-08-14', 5, 'Ulivo', 1)"),
    ("Add S. Kuhn, 5 March 2026, 2 nights, room Blue, not paid", ROOMS,
     "INSERT INTO stays (guest, arrival, nights, room, paid) VALUES ('S. Kuhn', '2026-03-05', 2, 'Blue', 0)"),
    ("Tragen Sie bitte ein: hive 4, 12. Juli 2025, 17,5 Kilo.", HONEY,
     "INSERT INTO honey (hive, day, kilo) VALUES (4, '2025-07-12', 17.5)"),
    ("same room, same date for Ben, 4 nights", STAYED,
     "INSERT INTO stays (guest, arrival, nights, room) VALUES ('Ben', '2026-05-02', 4, 'Blue')"),
    # the row that was just added is put right
    ("oh sorry, it is 4, not 3", STAYED,
     "UPDATE stays SET nights = 4 WHERE guest = 'Ana' AND arrival = '2026-05-02' AND room = 'Blue'"),
    ("No excuse me, is the Green. Blue has the stairs", STAYED,
     "UPDATE stays SET room = 'Green' WHERE guest = 'Ana' AND arrival = '2026-05-02' AND nights = 3"),
    ("She says there were two of them. Kindly amend.", STAYED,
     "UPDATE stays SET nights = 2 WHERE guest = 'Ana' AND arrival = '2026-05-02' AND room = 'Blue'"),
    # so many are taken off
    ("ok, deduct 2", ORCHARD, "UPDATE hives SET frames = frames - 2 WHERE id = 4"),
    ("dann zieh die 2 ab", ORCHARD, "UPDATE hives SET frames = frames - 2 WHERE id = 4"),
    # rows are changed
    ("die AX-1 setzen Sie bitte auf sold", CHAIRS, "UPDATE chairs SET sold = 1 WHERE code = 'AX-1'"),
    ("7i gitti, queenini yeni yap", SHOWN, "UPDATE hives SET queen = 'yeni' WHERE id = 7"),
    ("In row 7 set the queen to 'marked green'", SHOWN, "UPDATE hives SET queen = 'marked green' WHERE id = 7"),
    ("Set sold = 1 where code is 'BQ-7'", CHAIRS, "UPDATE chairs SET sold = 1 WHERE code = 'BQ-7'"),
    ("row id 4, the frames were entered wrongly, set it to 6", SHOWN, "UPDATE hives SET frames = 6 WHERE id = 4"),
    ("the orchard is wrong, it is 9. make correct", SHOWN, "UPDATE hives SET frames = 9 WHERE id = 4"),
    ("change the queen of the second one to 'marked red'", SHOWN, "UPDATE hives SET queen = 'marked red' WHERE id = 7"),
    ("AX-1 now costs more, set the price to 131", CHAIRS, "UPDATE chairs SET price = 131 WHERE code = 'AX-1'"),
    ("cambia frames a 11 en la fila 4", SHOWN, "UPDATE hives SET frames = 11 WHERE id = 4"),
    ("setze frames auf 11 wo id = 7", SHOWN, "UPDATE hives SET frames = 11 WHERE id = 7"),
    ("id 7 has 6 in frames, somebody typed 5. Correct it.", SHOWN, "UPDATE hives SET frames = 6 WHERE id = 7"),
    ("BQ-7 is sold, mark it", CHAIRS, "UPDATE chairs SET sold = 1 WHERE code = 'BQ-7'"),
    ("same for the other one", [*SHOWN, ran("UPDATE hives SET queen = 'new' WHERE id = 4")],
     "UPDATE hives SET queen = 'new' WHERE id = 7"),
    ("for id 4 make frames 12", SHOWN, "UPDATE hives SET frames = 12 WHERE id = 4"),
    # rows are deleted
    ("the mill is gone, delete that row by its id", SHOWN, "DELETE FROM hives WHERE id = 7"),
    ("delete the rows of hives with frames below 2", BEES, "DELETE FROM hives WHERE frames < 2"),
    ("lösch die Zeile mit id 4", SHOWN, "DELETE FROM hives WHERE id = 4"),
    ("delete that row", [ran("SELECT * FROM hives", [{"id": 9, "spot": "yard"}])], "DELETE FROM hives WHERE id = 9"),
    ("la orchard se murió, sacala de la tabla", SHOWN, "DELETE FROM hives WHERE id = 4"),
    ("Strike out the second.", SHOWN, "DELETE FROM hives WHERE id = 7"),
    ("The orchard is gone. Take it away.", SHOWN, "DELETE FROM hives WHERE id = 4"),
    ("Delete all rows from orders where status is late.", [], "DELETE FROM orders WHERE status = 'late'"),
    ("kick out the trial ones, thats frames 0", BEES, "DELETE FROM hives WHERE frames = 0"),
]  # fmt: skip
UNSURE = [
    ("how many are overdue", BEES),
    ("how many rows are there", []),
    ("how many rows in hives since the storm", BEES),
    ("show me the overdue hives, all of them", BEES),
    ("which tables are there", BEES),
    ("show the columns of hives", BEES),
    ("average of weight in hives", BEES),
    ("top 3 hives", BEES),
    ("all hives that are not in the orchard", SHOWN),
    ("all hives with spot brewery tower", BEES),
    ("set it to 6", SHOWN),
    ("set the weight to 6 in row 4", SHOWN),
    ("set the frames to 6", SHOWN),
    ("delete all hives", SHOWN),
    ("delete everything except id 4", SHOWN),
    ("don't delete row 4", SHOWN),
    ("delete it", SHOWN),
    ("add 12, 40 to hives", BEES),
    ("add tomato, 12, 40 to crates", BEES),
    ("write it to hives.txt: pond, 3, young", BEES),
    ("add 'pond', many, 'young' to hives", BEES),
    ("what does queen mean?", SHOWN),
    ("also, is Udo there?", ADDED),
    ("also remind Udo about 20 euros", ADDED),
    ("same time tomorrow at 10?", ADDED),
    ("just 2 minutes please", TOP),
    ("with 5 people we need 3 each", TOP),
    ("delete both", SHOWN),
    ("put the kettle on", SHOWN),
    ("add milk, eggs, 2 loaves to the shopping list", ROOMS),
    ("Write a letter to Ana, 3 pages, with dog", ROOMS),
    ("enter the usual, 3 nights, room Blue", ROOMS),
    ("put in ana room blue, and ben room green, 3 nights", ROOMS),
    ("don't add Ana, 3 nights, room Blue", ROOMS),
    ("how many nights are booked in August", ROOMS),
    ("what's the total", SHOWN[:1]),
    ("are you paid for this?", ROOMS),
    ("actually is Rose there?", STAYED),
    ("sorry, I meant tomorrow", STAYED),
    ("there were two of them at the door", STAYED),
    ("put 2 apples to the list", STAYED),
    ("wait, I have to leave, is 5 okay", STAYED),
    ("reduce the volume by 5", SHOWN),
    ("deduct 2", SHOWN),
    ("reduce it by 10 %", ORCHARD),
    ("take the bins out", SHOWN),
    ('she wrote "drop the orchard", which I won\'t', SHOWN),
    ("17 times 4 is what", SHOWN),
    ("thanks, that is all", SHOWN),
    ("hello", []),
]


@pytest.mark.parametrize(("said", "before", "code"), READS, ids=[said for said, _, _ in READS])
def test_what_is_asked_of_a_table_becomes_a_select(said: str, before: list[Exchange], code: str) -> None:
    assert written(said, before, READ) == code
    assert written(said, before, WRITE) is None


@pytest.mark.parametrize(("said", "before", "code"), WRITES, ids=[said for said, _, _ in WRITES])
def test_what_is_to_change_in_a_table_becomes_a_statement_for_the_tool_that_writes(
    said: str, before: list[Exchange], code: str
) -> None:
    assert written(said, before, WRITE) == code
    assert written(said, before, READ) is None


@pytest.mark.parametrize(("said", "before"), UNSURE, ids=[said for said, _ in UNSURE])
def test_nothing_is_written_where_it_is_unsure_what_is_meant(said: str, before: list[Exchange]) -> None:
    assert written(said, before, READ) is None
    assert written(said, before, WRITE) is None


CREATED = [
    ("Kindly create one table named loans with columns id integer, who text, amount real and given_on text.",
     "CREATE TABLE loans (id INTEGER, who TEXT, amount REAL, given_on TEXT)"),
    ("make me a table guests in the database. name, side, meal, paid yes/no",
     "CREATE TABLE guests (name TEXT, side TEXT, meal TEXT, paid INTEGER)"),
    ("Erstelle eine Tabelle kunden mit Name, Ort und Preis", "CREATE TABLE kunden (Name TEXT, Ort TEXT, Preis REAL)"),
    ("crea una tabla pedidos con cliente, importe y fecha por favor",
     "CREATE TABLE pedidos (cliente TEXT, importe REAL, fecha TEXT)"),
    ("Ek wil 'n nuwe tabel hê vir reën: datum en mm", "CREATE TABLE reën (datum TEXT, mm REAL)"),
    ("create a new table called trips: day (date), km", "CREATE TABLE trips (day TEXT, km REAL)"),
    ("how many rows in hives", None),
    ("how do I create a table with columns?", None),
    ("don't create a table x with a, b", None),
    ("make the table clothes. then wash, iron", None),
    ("I want a table for two, with wine and bread", None),
]  # fmt: skip


@pytest.mark.parametrize(("said", "code"), CREATED, ids=[said for said, _ in CREATED])
def test_a_table_is_created_that_is_named_with_its_columns(said: str, code: str | None) -> None:
    assert written(said, BEES, CREATE) == code


def test_what_a_table_was_to_hold_is_known_once_it_was_wanted() -> None:
    before = [Exchange("make a table guests with name, meal and paid yes/no", [], "It is there.")]
    assert written("enter Mo, meal fish, not paid", before, WRITE) == (
        "INSERT INTO guests (name, meal, paid) VALUES ('Mo', 'fish', 0)"
    )
    again = [ran("CREATE TABLE lps (artist TEXT, year INTEGER)")]
    assert written("The same again for singles", again, CREATE) == "CREATE TABLE singles (artist TEXT, year INTEGER)"


def test_a_tool_that_runs_any_statement_gets_both_kinds() -> None:
    assert written("how many rows in hives", BEES, ANY) == "SELECT COUNT(*) FROM hives"
    assert written("set frames to 3 where id = 4", SHOWN, ANY) == "UPDATE hives SET frames = 3 WHERE id = 4"


def test_a_tool_said_to_be_read_only_gets_no_change() -> None:
    tool = Offered(ANY.name, ANY.description, ANY.parameters, {"readOnlyHint": True})
    assert written("set frames to 3 where id = 4", SHOWN, tool) is None


def test_a_typed_statement_is_taken_word_for_word() -> None:
    assert written("run select count(*) from hives", BEES, READ) == "select count(*) from hives"


def test_rows_are_not_changed_once_more_by_what_only_sounds_alike() -> None:
    before = [*SHOWN, ran("UPDATE hives SET frames = 6 WHERE id = 4")]
    found = [c.calls for c in candidates('and note "15 jars" for her', before, [READ, WRITE])]
    assert not any(arguments.get("query") for calls in found for _, arguments in calls)


def test_a_value_that_was_refused_is_put_right_in_the_statement_or_once_it_was_run_in_the_row() -> None:
    before = [Exchange("INSERT INTO gifts (who, eur) VALUES ('Mo', 25)", [], "The database is off. Switch it on?")]
    assert written("yes, though it was 35 not 25", before, WRITE) == "INSERT INTO gifts (who, eur) VALUES ('Mo', 35)"
    run = [ran("INSERT INTO gifts (who, eur) VALUES ('Mo', 25)")]
    assert written("though it was 35 not 25", run, WRITE) == "UPDATE gifts SET eur = 35 WHERE who = 'Mo'"


@pytest.mark.parametrize(
    "result",
    [
        "id INTEGER, spot TEXT",
        "id, spot",
        [["id", "spot"]],
        [["id INTEGER", "spot TEXT"]],
        [[0, "id", "INTEGER"], [1, "spot", "TEXT"]],
        {"columns": [{"name": "id", "type": "INTEGER"}, {"name": "spot", "type": "TEXT"}]},
        "[{'name': 'id', 'type': 'INTEGER'}, {'name': 'spot', 'type': 'TEXT'}]",
        "CREATE TABLE x (id INTEGER PRIMARY KEY, spot VARCHAR(20), UNIQUE (spot))",
    ],
)
def test_the_columns_of_a_table_are_read_from_what_describes_it(result: object) -> None:
    before = [call("describe_table", result, table_name="x")]
    assert written("show all of x where spot is 'a'", before, READ) == "SELECT * FROM x WHERE spot = 'a'"


def test_nothing_is_looked_up_where_no_tool_takes_a_statement(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[object] = []
    monkeypatch.setattr(known_tables.Tables, "__init__", lambda _, memory: made.append(memory))
    plain = Offered("notes__add", "Add a note", {"type": "object", "properties": {"text": {"type": "string"}}})
    candidates("how many rows in hives", BEES, [plain])
    assert made == []


DESCRIBE = Offered(
    "sqlite__describe_table",
    "Get the schema information for a specific table",
    {"type": "object", "properties": {"table_name": {"type": "string"}}, "required": ["table_name"]},
)


@pytest.mark.parametrize(
    ("said", "table"),
    [
        ("hm. not sure about src being in that key. what columns has stg_orders got", "stg_orders"),
        ("which columns are in invoices, please?", "invoices"),
        ("describe the hives table", "hives"),
    ],
)
def test_the_table_that_is_described_is_the_one_whose_columns_are_asked_for(said: str, table: str) -> None:
    assert fill(DESCRIBE, Message(said, Memory([]))).arguments == {"table_name": table}
