"""Talks over the network during init, and again in the handler, by the same client. CLIENT says which, MODE what becomes of the connection, CA who vouches for the server."""

import os
import ssl

from snapshot_restore_py import register_after_restore, register_before_snapshot

MODE, URL = os.environ.get("MODE"), os.environ["URL"]


def trust():
    return ssl.create_default_context(cadata=os.environ["CA"]) if "CA" in os.environ else None


def psycopg():
    import psycopg

    class Database:
        def connect(self):
            self.connection = psycopg.connect(URL, autocommit=True)

        def ask(self):
            return self.connection.execute("select pg_backend_pid()").fetchone()[0]

    database = Database()
    database.connect()
    if MODE == "hooks":
        register_before_snapshot(lambda: database.connection.close())
        register_after_restore(database.connect)
    return database.ask


def requests():
    import requests

    session = requests.Session()
    return lambda: int(session.get(URL, timeout=10).text)


def urllib3():
    import urllib3

    pool = urllib3.PoolManager(ssl_context=trust())
    return lambda: int(pool.request("GET", URL).data)


def standard():
    import http.client
    import urllib.parse

    address = urllib.parse.urlsplit(URL).netloc
    secure = URL.startswith("https:")
    connection = http.client.HTTPSConnection(address, context=trust()) if secure else http.client.HTTPConnection(address)

    def ask():
        connection.request("GET", "/")
        return int(connection.getresponse().read())

    return ask


ask = globals()[os.environ["CLIENT"]]()
first = ask()


def lambda_handler(event, context):
    return {"first": first, "now": [ask(), ask()]}
