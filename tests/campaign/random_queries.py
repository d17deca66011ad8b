"""Random queries for random_plans.py, from a seed: SQL that Spark and DuckDB both understand, and whose answer is determined.

    Maker(rng, tables).query() -> Query

A query is built from blocks: SELECT over one to three joined sources, which is projected, made distinct, aggregated or given window
functions; two blocks may be put together by UNION, INTERSECT or EXCEPT, and a block may be the source of another. Where a row's place
decides (LIMIT, window functions), rows are ordered by all columns, so that ties are rows that are the same.
"""

import random
import re
from collections import Counter
from dataclasses import dataclass, field

# No plan may have more rows than this at any place, by a rough guess.
MOST_ROWS = 8000
KINDS = ("int", "long", "text", "dec", "date", "dbl", "bool")
NUMBERS = ("int", "long", "dec", "dbl")
# What keys of joins may meet: mostly their own kind.
MEETS = {"int": ("int", "long", "dec", "dbl"), "long": ("long", "int"), "dec": ("dec", "int"), "dbl": ("dbl", "int")}
JOINS = ("inner", "inner", "inner", "left", "left", "right", "full", "left semi", "left anti", "cross")
SPARKS = {"inner": "JOIN", "left": "LEFT JOIN", "right": "RIGHT JOIN", "full": "FULL JOIN", "cross": "CROSS JOIN"}
SPARKS |= {"left semi": "LEFT SEMI JOIN", "left anti": "LEFT ANTI JOIN"}
# Spark's words and DuckDB's, where they differ.
DUCKDBS = (
    (r" <=> ", r" IS NOT DISTINCT FROM "),
    (r"LEFT (SEMI|ANTI) JOIN", r"\1 JOIN"),
    # The group of all rows: of no rows, Spark makes none.
    (r"HAVING \(1 = 1\)", r"HAVING (count(*) > 0)"),
    (r"_value\(([\w.]+)\) IGNORE NULLS", r"_value(\1 IGNORE NULLS)"),
    (
        r"array_join\(sort_array\(collect_(list|set)\(([\w.]+)\)\), ','\)",
        lambda m: (
            f"coalesce(array_to_string(list_sort(list({'DISTINCT ' * (m[1] == 'set')}{m[2]}) FILTER (WHERE {m[2]} IS NOT NULL)), ','), '')"
        ),
    ),
)


@dataclass(frozen=True)
class Column:
    """A column in scope: how it is named there, and its kind. `loose` is a mean, whose last digits are an engine's own: nothing is made
    of it.
    """

    name: str
    kind: str
    loose: bool = False


@dataclass(frozen=True)
class Source:
    """What can stand in FROM: its text, its columns by their own names, about how many rows it has, and what it is known as."""

    text: str
    columns: tuple
    rows: float
    base: str = ""


@dataclass(frozen=True)
class Block:
    """A SELECT: its text, its columns, about how many rows it has, and whether their order is determined."""

    text: str
    columns: tuple
    rows: float
    ordered: bool = False


@dataclass(frozen=True)
class Query:
    """A query in both dialects, and what it is made of."""

    sql: str
    duckdb: str
    ordered: bool
    features: frozenset = field(default_factory=frozenset)


def in_duckdb(sql):
    """Spark's text in DuckDB's words."""
    for spark, duckdb in DUCKDBS:
        sql = re.sub(spark, duckdb, sql)
    return sql


class Maker:
    """Makes one query."""

    def __init__(self, rng: random.Random, tables):
        self.rng, self.tables = rng, tables
        self.ctes: list[Source] = []
        self.used: Counter = Counter()
        self.names = 0

    # Small helpers.

    def chance(self, share):
        """True so often."""
        return self.rng.random() < share

    def fresh(self, prefix):
        """A name that nothing else has."""
        self.names += 1
        return f"{prefix}{self.names}"

    def note(self, *features):
        """Notes what the query is made of."""
        self.used.update(features)

    def columns_of(self, scope, *kinds):
        """The columns of these kinds."""
        return [column for column in scope if column.kind in kinds and not column.loose]

    # The whole.

    def query(self):
        """A query."""
        head = ""
        if self.chance(0.12):
            block = self.block(1, top=False)
            name = self.fresh("w")
            self.ctes = [Source(name, block.columns, block.rows, name)]
            head = f"WITH {name} AS ({block.text}) "
        depth = self.rng.choice((0, 0, 1, 1, 1, 2))
        block = self.set_operation(depth) if self.chance(0.15) else self.block(depth, top=True)
        if self.ctes and sum(block.text.count(f"{cte.text} AS ") for cte in self.ctes) > 1:
            self.note("CTE read twice")
        if not block.ordered and self.chance(0.3):
            block = self.ordered(block, limit=self.chance(0.5))
        sql = head + block.text
        return Query(sql, in_duckdb(sql), block.ordered, frozenset(self.used))

    # Sources.

    def source(self, depth):
        """Something for FROM, with an alias: the alias' columns."""
        if self.ctes and self.chance(0.7):
            found = self.rng.choice(self.ctes)
        elif depth > 0 and self.chance(0.4):
            block = self.set_operation(depth - 1) if self.chance(0.2) else self.block(depth - 1, top=False)
            self.note("subquery in FROM")
            found = Source(f"({block.text})", block.columns, block.rows)
        elif self.chance(0.03):
            found = self.values()
        else:
            table = self.rng.choice(self.tables)
            self.note("scan")
            found = Source(table.name, tuple(Column(name, kind) for name, kind in table.columns.items()), table.rows, table.name)
        alias = self.fresh("a")
        columns = tuple(Column(f"{alias}.{column.name}", column.kind, column.loose) for column in found.columns)
        return Source(f"{found.text} AS {alias}", columns, found.rows, found.base)

    def values(self):
        """Rows written in the query."""
        self.note("VALUES")
        rows = [(self.rng.randint(-2, 7), self.rng.choice("abx")) for _ in range(self.rng.randint(1, 5))]
        names = (self.fresh("v"), self.fresh("v"))
        text = ", ".join(f"({number}, '{word}')" for number, word in rows)
        inner = f"(SELECT * FROM (VALUES {text}) AS {self.fresh('a')}({', '.join(names)}))"
        return Source(inner, (Column(names[0], "int"), Column(names[1], "text")), len(rows))

    def sources(self, depth):
        """FROM with its joins: the text, the columns, about how many rows."""
        first = self.source(depth)
        text, scope, rows, bases, where = first.text, first.columns, first.rows, [first.base], ""
        for _ in range(self.rng.choice((0, 0, 0, 1, 1, 1, 2) if not self.ctes else (1, 1, 2))):
            other = self.source(depth)
            joined = self.join(scope, rows, other)
            if joined is None:
                continue
            kind, on, rows = joined
            if kind == "inner" and " ON " in on and not where and self.chance(0.08):
                self.note("join: its condition in WHERE")
                text, on, where = f"{text} CROSS JOIN {other.text}", "", on.removeprefix(" ON ")
            else:
                text += f" {SPARKS[kind]} {other.text}{on}"
            scope = scope if kind in ("left semi", "left anti") else scope + other.columns
            self.note(f"join: {kind}", *(["join: of a table with itself"] if other.base and other.base in bases else []))
            bases.append(other.base)
        if self.chance(0.05):
            lateral, columns = self.lateral(scope)
            text, scope = text + lateral, scope + columns
        if len(re.findall(r"(?<!LEFT )(?<!RIGHT )(?<!FULL )(?<!SEMI )(?<!ANTI )JOIN ", text)) > 1 and re.search(" ON .* <=> ", text):
            self.note("join: null-safe, among inner joins")
        return text, scope, rows, where

    def lateral(self, scope):
        """A subquery that is asked for each row: its text, its columns."""
        inner = self.inner_source()
        pairs = self.key_pairs(scope, inner.columns)
        if not pairs:
            return "", ()
        self.note("join: LATERAL")
        outer, own = self.rng.choice(pairs)
        column, alias = self.rng.choice(self.columns_of(inner.columns, "int", "text", "date")), self.fresh("a")
        text = f"(SELECT count(*) AS n, max({column.name}) AS m FROM {inner.text} WHERE {own.name} = {outer.name})"
        return f" CROSS JOIN LATERAL {text} AS {alias}", (Column(f"{alias}.n", "long"), Column(f"{alias}.m", column.kind))

    def join(self, scope, rows, other):
        """A join of what is in scope with a source: kind, condition, about how many rows; None where it would be too large."""
        kind, pairs = self.rng.choice(JOINS), self.key_pairs(scope, other.columns)
        all_pairs = rows * other.rows
        if kind == "cross":
            return (kind, "", all_pairs) if all_pairs <= MOST_ROWS / 4 else None
        conditions, product = [], all_pairs
        if pairs and not (all_pairs <= MOST_ROWS / 2 and self.chance(0.12)):
            count = min(self.rng.choice((1, 1, 1, 1, 1, 1, 2, 3)), len(pairs))
            for left, right in self.rng.sample(pairs, count):
                null_safe = self.chance(0.15)
                conditions.append(f"({left.name} {'<=>' if null_safe else '='} {right.name})")
                self.note(*(["join: null-safe"] if null_safe else []))
            self.note(*(["join: several keys"] if count > 1 else []))
            product /= 3
        if not conditions or self.chance(0.18):
            self.note("join: other condition" if conditions else "join: without an equal key")
            conditions.append(self.predicate(scope + other.columns if self.chance(0.7) or not conditions else other.columns, 1))
        rows = max(product, rows, other.rows)
        if rows > MOST_ROWS:
            return None
        return kind, f" ON {' AND '.join(conditions)}", rows

    def key_pairs(self, left, right):
        """Columns that may be equal: mostly of one kind."""
        mixed = self.chance(0.15)
        pairs = [
            (one, other)
            for one in left
            for other in right
            if not one.loose and not other.loose
            if one.kind == other.kind or (mixed and other.kind in MEETS.get(one.kind, ()))
        ]
        return pairs

    # Blocks.

    def block(self, depth, top):
        """A SELECT of any kind."""
        plain = (self.projection,) * 3 + (self.aggregation,) * 2
        return self.rng.choice((*plain, self.distinct, self.windows, self.windows, self.limited))(depth, top)

    def filtered(self, depth, nested=True):
        """FROM and WHERE: the text, the columns, about how many rows."""
        text, scope, rows, where = self.sources(depth)
        conditions = [where] if where else []
        if self.chance(0.45):
            self.note("filter")
            conditions.append(self.subquery_predicate(scope) if nested and self.chance(0.35) else self.predicate(scope, 2))
        text += f" WHERE {' AND '.join(conditions)}" if conditions else ""
        return f"FROM {text}", scope, rows

    def projection(self, depth, top, kinds=None):
        """Columns and expressions."""
        text, scope, rows = self.filtered(depth)
        items, columns = [], []
        for kind in kinds or [self.rng.choice(scope).kind for _ in range(self.rng.randint(1, 5))]:
            name = self.fresh("c")
            expression = self.scalar_subquery(scope, kind) if kind in ("int", "long") and self.chance(0.06) else None
            if kind == "bool" and self.chance(0.12):
                self.note("subquery: whether there is one, in the list")
                expression = self.lone_subquery_predicate(scope)
            items.append(f"{expression or self.expression(scope, kind, self.rng.choice((0, 0, 1, 2)))} AS {name}")
            columns.append(Column(name, kind))
        self.note("projection")
        return Block(f"SELECT {', '.join(items)} {text}", tuple(columns), rows)

    def distinct(self, depth, top, kinds=None):
        """The same, each row once."""
        self.note("DISTINCT")
        block = self.projection(depth, top, kinds)
        return Block(block.text.replace("SELECT ", "SELECT DISTINCT ", 1), block.columns, block.rows)

    def aggregation(self, depth, top):
        """Groups of no key to three, or by several sets of keys."""
        text, scope, rows = self.filtered(depth)
        usable = [column for column in scope if not column.loose]
        items, columns, keys = [], [], []
        by_sets = self.chance(0.3)
        for _ in range(self.rng.choice((2, 2, 3)) if by_sets else self.rng.choice((0, 1, 1, 1, 2, 2, 3))):
            column = self.rng.choice(usable)
            # A constant would name a place in the list.
            expression = column.name if by_sets or self.chance(0.8) else self.of_column(column)
            if expression not in keys:
                keys.append(expression)
                columns.append(Column(self.fresh("c"), column.kind))
                items.append(f"{expression} AS {columns[-1].name}")
        for _ in range(self.rng.randint(1, 3)):
            expression, kind, loose = self.aggregate(scope, loose=top)
            columns.append(Column(self.fresh("c"), kind, loose))
            items.append(f"{expression} AS {columns[-1].name}")
        self.note(f"aggregate: {min(len(keys), 3)} keys" if keys else "aggregate: of all rows")
        sql = f"SELECT {', '.join(items)} {text}"
        if keys:
            sql += f" GROUP BY {self.grouping(keys, by_sets)}"
        having = ["(1 = 1)"] if by_sets else []
        if self.chance(0.2):
            self.note("HAVING")
            expression, kind, _ = self.aggregate(scope, loose=False)
            having.append(f"({expression} {self.rng.choice(('>=', '<>', '<'))} {self.literal(kind)})")
        sql += f" HAVING {' AND '.join(having)}" if having else ""
        return Block(sql, tuple(columns), max(1, rows / 2) if keys else 1)

    def grouping(self, keys, by_sets):
        """What stands after GROUP BY."""
        if not by_sets or len(keys) < 2:
            return ", ".join(keys)
        way = self.rng.choice(("ROLLUP", "CUBE", "GROUPING SETS"))
        self.note(f"aggregate: {way}")
        if way != "GROUPING SETS":
            return f"{way}({', '.join(keys)})"
        sets = [[key for key in keys if self.chance(0.5)] for _ in range(2)] + [keys]
        return f"GROUPING SETS ({', '.join('(' + ', '.join(keys) + ')' for keys in sets)})"

    def aggregate(self, scope, loose):
        """An aggregate: the text, its kind, and whether it is a mean."""
        doubles = self.columns_of(scope, "dbl")
        column = self.rng.choice(doubles if doubles and self.chance(0.1) else [column for column in scope if not column.loose])
        expression = column.name if self.chance(0.8) else self.expression(scope, column.kind, 1)
        kind, ways = column.kind, ["count(*)", "count", "count distinct", "min", "max"]
        if kind in NUMBERS:
            ways += ["sum", "sum", "sum", "sum distinct"]
        if kind in NUMBERS and loose:
            ways += ["avg", "avg"]
        if kind == "text" and self.chance(0.2):
            self.note("aggregate: a list of texts")
            return f"array_join(sort_array(collect_{self.rng.choice(('list', 'set'))}({column.name})), ',')", "text", False
        if kind == "bool":
            ways = ["count(*)", "count", "count distinct", "bool_and", "bool_or"]
        way = self.rng.choice(ways)
        self.note(
            "aggregate: bool_and or bool_or" if way.startswith("bool") else f"aggregate: {way}",
            *(["aggregate: min or max of doubles"] if way in ("min", "max") and kind == "dbl" else []),
        )
        results = {"sum": {"int": "long"}.get(kind, kind), "sum distinct": {"int": "long"}.get(kind, kind)}
        results |= {"min": kind, "max": kind, "avg": "dec" if kind == "dec" else "dbl", "bool_and": "bool", "bool_or": "bool"}
        distinct = "DISTINCT " if "distinct" in way else ""
        text = way if way == "count(*)" else f"{way.split()[0]}({distinct}{expression})"
        if self.chance(0.1):
            self.note("aggregate: FILTER")
            text += f" FILTER (WHERE {self.predicate(scope, 1)})"
        return text, results.get(way, "long"), way == "avg"

    def windows(self, depth, top):
        """One to three window functions over a source whose rows are ordered by all columns."""
        count = self.rng.choice((1, 1, 2, 3))
        # Of rows that are the same, two functions may each take another for the first.
        inner = (
            self.distinct(depth, top) if count > 1 else self.projection(depth, top) if self.chance(0.6) else self.aggregation(depth, False)
        )
        alias = self.fresh("a")
        scope = tuple(Column(f"{alias}.{column.name}", column.kind) for column in inner.columns)
        items = [f"{column.name} AS {self.fresh('c')}" for column in scope]
        columns = [Column(item.split()[-1], column.kind) for item, column in zip(items, scope)]
        for _ in range(count):
            text, kind = self.window(scope)
            columns.append(Column(self.fresh("c"), kind))
            items.append(f"{text} AS {columns[-1].name}")
        return Block(f"SELECT {', '.join(items)} FROM ({inner.text}) AS {alias}", tuple(columns), inner.rows)

    def window(self, scope):
        """A window function: the text and its kind."""
        partition = self.rng.sample(scope, min(self.rng.choice((0, 1, 1, 2)), len(scope)))
        over = f"PARTITION BY {', '.join(column.name for column in partition)} " if partition else ""
        if self.chance(0.3):
            return self.window_of_peers(scope, over)
        over += f"ORDER BY {self.total_order(scope)}"
        column = self.rng.choice(scope)
        way = self.rng.choice(
            ("row_number", "rank", "dense_rank", "ntile", "lag", "lead", "first_value", "last_value", "sum", "count", "min", "max")
        )
        if way == "sum" and column.kind not in NUMBERS:
            way = "last_value"
        if way in ("min", "max") and column.kind == "bool":
            way = "count"
        classes = {"lag": "lag or lead", "lead": "lag or lead", "first_value": "first or last value", "last_value": "first or last value"}
        classes |= dict.fromkeys(("row_number", "rank", "dense_rank", "ntile"), "rank")
        self.note(f"window: {classes.get(way, 'aggregate')}")
        if way in ("row_number", "rank", "dense_rank"):
            return f"{way}() OVER ({over})", "int"
        if way == "ntile":
            return f"ntile({self.rng.randint(1, 5)}) OVER ({over})", "int"
        if way in ("lag", "lead"):
            return f"{way}({column.name}, {self.rng.randint(1, 3)}) OVER ({over})", column.kind
        frame = self.rng.choice(
            (
                "ROWS BETWEEN UNBOUNDED PRECEDING AND CURRENT ROW",
                "ROWS BETWEEN 2 PRECEDING AND 1 FOLLOWING",
                "ROWS BETWEEN CURRENT ROW AND UNBOUNDED FOLLOWING",
                "ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING",
                "ROWS BETWEEN 3 PRECEDING AND 1 PRECEDING",
                "",
            )
        )
        self.note("window: frame" if frame else "window: usual frame")
        kind = {"count": "long", "sum": {"int": "long"}.get(column.kind, column.kind)}.get(way, column.kind)
        nulls = ""
        if way.endswith("_value") and self.chance(0.3):
            self.note("window: IGNORE NULLS")
            nulls = " IGNORE NULLS"
        return f"{way}({column.name}){nulls} OVER ({over} {frame})".replace(" )", ")"), kind

    def window_of_peers(self, scope, over):
        """A window function for which rows of the same order are one."""
        order = self.rng.choice(scope)
        ways = [f"ASC NULLS {self.rng.choice(('FIRST', 'LAST'))}", f"DESC NULLS {self.rng.choice(('FIRST', 'LAST'))}"]
        over = f"{over}ORDER BY {order.name} {self.rng.choice(ways)}"
        if order.kind in ("int", "long", "dec") and self.chance(0.6):
            self.note("window: RANGE frame")
            over += (
                f" RANGE BETWEEN {self.rng.choice(('UNBOUNDED', '2', '1'))} PRECEDING AND {self.rng.choice(('CURRENT ROW', '1 FOLLOWING'))}"
            )
        else:
            self.note("window: peers")
        column = self.rng.choice(scope)
        way = self.rng.choice(("count", "sum", "min", "max"))
        way = "count" if column.kind == "bool" or (way == "sum" and column.kind not in NUMBERS) else way
        kind = {"count": "long", "sum": {"int": "long"}.get(column.kind, column.kind)}.get(way, column.kind)
        return f"{way}({column.name}) OVER ({over})", kind

    def limited(self, depth, top):
        """The first rows of a block."""
        return self.ordered(self.projection(depth, top) if self.chance(0.6) else self.aggregation(depth, False), limit=True)

    def ordered(self, block, limit):
        """A block's rows in an order by all of its columns, or the first of them."""
        if any(column.loose for column in block.columns):
            return block
        # A set operation, or a block that has a LIMIT already, is put in brackets.
        alias = self.fresh("a")
        text = f"SELECT * FROM ({block.text}) AS {alias} ORDER BY {self.total_order(block.columns)}"
        self.note("ORDER BY")
        rows = block.rows
        if limit:
            self.note("LIMIT")
            rows = self.rng.choice((1, 3, 10, 10, 40, 1000))
            text += f" LIMIT {rows}"
            if self.chance(0.4):
                self.note("OFFSET")
                text += f" OFFSET {self.rng.choice((0, 1, 2, 2, 7, 30))}"
        return Block(text, block.columns, min(rows, block.rows), ordered=True)

    def total_order(self, columns):
        """All columns in any order, up or down, nulls first or last."""
        shuffled = self.rng.sample(columns, len(columns))
        ways = ("NULLS FIRST", "NULLS LAST")
        return ", ".join(f"{column.name} {self.rng.choice(('ASC', 'DESC'))} {self.rng.choice(ways)}" for column in shuffled)

    def set_operation(self, depth):
        """Two or three blocks of the same kinds, put together."""
        kinds = [self.rng.choice(KINDS) for _ in range(self.rng.randint(1, 3))]
        make = (self.projection, self.projection, self.distinct)
        block = self.rng.choice(make)(depth, False, kinds)
        text, rows = f"({block.text})", block.rows
        for _ in range(self.rng.choice((1, 1, 2))):
            # An int meets a long: what comes of it is a long.
            wider = ["long" if kind == "int" and self.chance(0.2) else kind for kind in kinds]
            other = self.rng.choice(make)(depth, False, wider)
            kinds = wider
            way = self.rng.choice(("UNION ALL", "UNION ALL", "UNION", "INTERSECT", "EXCEPT", "INTERSECT ALL", "EXCEPT ALL"))
            self.note(way)
            text, rows = f"({text} {way} ({other.text}))", rows + other.rows
        alias = self.fresh("a")
        names = [self.fresh("c") for _ in kinds]
        items = ", ".join(f"{alias}.{column.name} AS {name}" for column, name in zip(block.columns, names))
        return Block(f"SELECT {items} FROM {text} AS {alias}", tuple(map(Column, names, kinds)), rows)

    # Conditions.

    def predicate(self, scope, depth):
        """A condition without subqueries, which holds for many rows."""
        if depth > 0 and self.chance(0.4):
            word = self.rng.choice(("AND", "OR", "OR", "OR"))
            return f"({self.predicate(scope, depth - 1)} {word} {self.predicate(scope, depth - 1)})"
        if self.chance(0.08):
            return f"(NOT {self.predicate(scope, depth - 1)})"
        column = self.rng.choice([column for column in scope if not column.loose] or scope)
        kind, one = column.kind, column.name if self.chance(0.8) else self.expression(scope, column.kind, 1)
        others = [other for other in self.columns_of(scope, kind) if other != column]
        way = self.rng.random()
        if kind == "bool" and way < 0.5:
            return one
        if way < 0.1:
            return f"({one} IS {self.rng.choice(('', 'NOT ', 'NOT '))}NULL)"
        if way < 0.2 and kind != "bool":
            return f"({one} {self.rng.choice(('', '', 'NOT '))}IN ({', '.join(self.listed(kind))}))"
        if way < 0.3 and kind in ("int", "long", "dec", "date"):
            low, high = sorted((self.literal(kind), self.literal(kind)), key=str if kind == "date" else float)
            return f"({one} BETWEEN {low} AND {high})"
        if way < 0.4 and kind == "text":
            return f"({one} {self.rng.choice(('', 'NOT '))}LIKE '{self.rng.choice(('a%', '%b%', '_', '%', 'x_%'))}')"
        other = self.rng.choice(others).name if others and self.chance(0.4) else self.literal(kind)
        return f"({one} {self.rng.choice(('=', '<', '>', '<=>', '<=', '<=', '>=', '>=', '<>', '<>', '<>'))} {other})"

    def listed(self, kind):
        """What stands in the brackets of IN."""
        return [self.literal(kind) for _ in range(4)] + ["NULL"] * self.chance(0.1)

    def subquery_predicate(self, scope):
        """A condition that asks a subquery, alone or beside another."""
        condition = self.lone_subquery_predicate(scope)
        if self.chance(0.3):
            return f"({condition} {self.rng.choice(('AND', 'OR'))} {self.predicate(scope, 1)})"
        return condition

    def lone_subquery_predicate(self, scope):
        """IN, EXISTS, or a comparison with one value."""
        inner = self.inner_source()
        pairs = self.key_pairs(scope, inner.columns)
        if not pairs:
            return self.predicate(scope, 1)
        outer, own = self.rng.choice(pairs)
        where = f" WHERE {self.predicate(inner.columns, 1)}" if self.chance(0.4) else ""
        way = self.rng.choice(("IN", "NOT IN", "EXISTS", "NOT EXISTS", "scalar", "correlated scalar", "correlated IN"))
        self.note(f"subquery: {way}")
        if way in ("IN", "NOT IN"):
            return f"({outer.name} {way} (SELECT {own.name} FROM {inner.text}{where}))"
        if way == "correlated IN":
            one, other = self.rng.choice(pairs)
            return f"({outer.name} IN (SELECT {own.name} FROM {inner.text} WHERE {other.name} = {one.name}))"
        if way in ("EXISTS", "NOT EXISTS"):
            further = f" AND {self.predicate(inner.columns if self.chance(0.6) else scope + inner.columns, 1)}" if self.chance(0.4) else ""
            return f"({way} (SELECT 1 FROM {inner.text} WHERE {own.name} = {outer.name}{further}))"
        if outer.kind == "bool":
            return self.predicate(scope, 1)
        if way == "correlated scalar":
            one, other = self.rng.choice(pairs)
            where = f" WHERE {other.name} = {one.name}"
        if own.kind == "dbl":
            self.note("aggregate: min or max of doubles")
        aggregate = self.rng.choice(("min", "max"))
        return f"({outer.name} {self.rng.choice(('=', '<=', '>=', '<>'))} (SELECT {aggregate}({own.name}) FROM {inner.text}{where}))"

    def scalar_subquery(self, scope, kind):
        """One number that a subquery gives, for each row or for all."""
        inner = self.inner_source()
        pairs, numbers = self.key_pairs(scope, inner.columns), self.columns_of(inner.columns, kind)
        if not numbers:
            return None
        self.note("subquery: in the list")
        where = ""
        if pairs and self.chance(0.6):
            outer, own = self.rng.choice(pairs)
            where = f" WHERE {own.name} = {outer.name}"
        way = self.rng.choice(("count(*)", f"max({numbers[0].name})", f"min({numbers[0].name})"))
        return f"(SELECT {way} FROM {inner.text}{where})"

    def inner_source(self):
        """What a subquery reads: a table."""
        table = self.rng.choice(self.tables)
        alias = self.fresh("a")
        columns = tuple(Column(f"{alias}.{name}", kind) for name, kind in table.columns.items())
        return Source(f"{table.name} AS {alias}", columns, table.rows)

    # Expressions.

    def literal(self, kind):
        """A constant that the data may have."""
        rng = self.rng
        if kind in ("int", "long"):
            return str(rng.randint(-2, 9))
        if kind == "text":
            return rng.choice(("''", "'a'", "'b'", "'ab'", "'x'", "'zz top'", "'10'"))
        if kind == "dec":
            return rng.choice(("-1.50", "0.00", "1.00", "2.25", "7.00", "20.00"))
        if kind == "date":
            return f"DATE '2024-01-0{rng.randint(1, 9)}'"
        if kind == "dbl":
            return f"CAST('{rng.choice(('0', '0.25', '1', '2', '-1.5', '7', 'NaN'))}' AS DOUBLE)"
        return rng.choice(("true", "false"))

    def of_column(self, column):
        """An expression of a column that is of its kind."""
        name, kind = column.name, column.kind
        if kind in NUMBERS:
            return f"({name} + {self.literal(kind)})" if self.chance(0.6) or kind in ("dec", "dbl") else f"({name} % 3)"
        if kind == "text":
            return self.rng.choice((f"upper({name})", f"({name} || 'x')", f"substring({name}, 1, 1)"))
        return f"coalesce({name}, {self.literal(kind)})"

    def expression(self, scope, kind, depth):
        """An expression of a kind."""
        columns = self.columns_of(scope, kind)
        if not columns or depth <= 0:
            return self.rng.choice(columns).name if columns and self.chance(0.95) else self.cast_literal(kind)
        way = self.rng.random()
        if way < 0.2:
            return f"coalesce({self.expression(scope, kind, depth - 1)}, {self.expression(scope, kind, depth - 1)})"
        if way < 0.4:
            condition = self.predicate(scope, 1)
            return f"CASE WHEN {condition} THEN {self.expression(scope, kind, depth - 1)} ELSE {self.expression(scope, kind, 0)} END"
        if way < 0.45:
            return f"nullif({self.expression(scope, kind, depth - 1)}, {self.literal(kind)})"
        if kind == "bool":
            return self.predicate(scope, 1)
        if kind in ("int", "long") and way < 0.55:
            return f"abs({self.expression(scope, kind, depth - 1)})"
        if kind == "long" and way < 0.65 and self.columns_of(scope, "text"):
            return f"CAST(length({self.rng.choice(self.columns_of(scope, 'text')).name}) AS BIGINT)"
        if kind == "text" and way < 0.6 and self.columns_of(scope, "int"):
            return f"CAST({self.rng.choice(self.columns_of(scope, 'int')).name} AS STRING)"
        if kind in NUMBERS and way < 0.75:
            return f"({self.rng.choice(columns).name} {self.rng.choice('+-')} {self.expression(scope, kind, 0)})"
        return self.of_column(self.rng.choice(columns))

    def cast_literal(self, kind):
        """A constant of just this kind."""
        types = {"int": "INT", "long": "BIGINT", "dec": "DECIMAL(9,2)", "text": "STRING"}
        return f"CAST({self.literal(kind)} AS {types[kind]})" if kind in types else self.literal(kind)
