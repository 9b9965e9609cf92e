"""A Hugging Face of one machine, over HTTPS, that can misbehave in every way that matters to a downloader."""

import hashlib
import http.server
import json
import os
import socket
import ssl
import subprocess
import threading
import urllib.parse

CHUNK = 1 << 16


def make_certificate(folder):
    """A self-signed certificate for 127.0.0.1 and localhost; gives the paths of certificate and key."""
    certificate, key = os.path.join(folder, "cert.pem"), os.path.join(folder, "key.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes",
         "-keyout", key, "-out", certificate, "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost,IP:127.0.0.1"],
        check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    return certificate, key


def sha256(content):
    return hashlib.sha256(content).hexdigest()


def git_blob_id(content):
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class Fault:
    """What goes wrong with one request, or with every one if `always`."""

    def __init__(self, always=False, status=None, headers=None, cut_after=None, stall_after=None, trickle=False,
                 content_length=None, ignore_range=False, redirect=None, wait_for_peers=0):
        self.always = always
        self.status = status
        self.headers = headers or {}
        self.cut_after = cut_after            # bytes of the body, then the connection breaks
        self.stall_after = stall_after        # bytes of the body, then silence
        self.trickle = trickle                # so slowly that it never ends
        self.content_length = content_length  # instead of the true one
        self.ignore_range = ignore_range
        self.redirect = redirect
        self.wait_for_peers = wait_for_peers  # go on when that many requests of this kind are there


class Hub:
    """The content and the faults; served by one or more servers."""

    def __init__(self):
        self.lock = threading.Condition()
        self.reset()

    def reset(self):
        with self.lock:
            self.pages = {}     # path -> (content, headers)
            self.faults = {}    # path -> list of Fault
            self.requests = []  # (server name, path, headers)
            self.active = 0
            self.peak = 0
            self.released = threading.Event()

    def add_repository(self, repo, files, blobs=True, siblings=None):
        """Serves `files` (name -> content) as a repository; `siblings` overrides entries of the API's answer."""
        entries = []
        for name, content in files.items():
            entry = {"rfilename": name}
            if blobs:
                entry.update(size=len(content), blobId=git_blob_id(content))
                if len(content) > 100_000:
                    entry["lfs"] = {"sha256": sha256(content), "size": len(content), "pointerSize": 130}
            entry.update((siblings or {}).get(name, {}))
            entries.append(entry)
            self.pages[f"/{repo}/resolve/main/{urllib.parse.quote(name)}"] = (content, {"ETag": f'"{git_blob_id(content)}"'})
        self.pages[f"/api/models/{repo}"] = (
            json.dumps({"id": repo, "siblings": entries}).encode(), {"Content-Type": "application/json"})

    def fault(self, path, *faults):
        self.faults[path] = list(faults)

    def next_fault(self, path):
        with self.lock:
            faults = self.faults.get(path, [])
            if not faults:
                return Fault()
            return faults[0] if faults[0].always else faults.pop(0)

    def asked(self, path):
        """The headers of every request for `path`, in order."""
        with self.lock:
            return [headers for _, asked, headers in self.requests if asked == path]


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def do_GET(self):
        hub = self.server.hub
        path = urllib.parse.urlsplit(self.path).path
        with hub.lock:
            hub.requests.append((self.server.name, path, dict(self.headers)))
        fault = hub.next_fault(path)
        try:
            self.answer(hub, path, fault)
        except (ConnectionError, ssl.SSLError):
            self.close_connection = True

    def answer(self, hub, path, fault):
        if fault.redirect:
            return self.send_empty(302, {"Location": fault.redirect, **fault.headers})
        if fault.status:
            return self.send_empty(fault.status, fault.headers)
        if path not in hub.pages:
            return self.send_empty(404, {})
        content, headers = hub.pages[path]
        headers = {**headers, **fault.headers}
        start = 0 if fault.ignore_range else self.range_start(headers.get("ETag"))
        if start is not None and start >= len(content) and start > 0:
            return self.send_empty(416, {"Content-Range": f"bytes */{len(content)}"})
        body = content[start:]
        self.send_response(206 if start else 200)
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        length = fault.content_length if fault.content_length is not None else len(body)
        for name, value in {**headers, "Content-Length": str(length)}.items():
            self.send_header(name, value)
        self.end_headers()
        self.send_body(hub, body, fault)

    def range_start(self, etag):
        wanted = self.headers.get("Range", "")
        if not wanted.startswith("bytes=") or not wanted.endswith("-"):
            return 0
        validator = self.headers.get("If-Range")
        if validator is not None and validator != etag:
            return 0
        return int(wanted[len("bytes="):-1])

    def send_empty(self, status, headers):
        self.send_response(status)
        for name, value in {**headers, "Content-Length": "0"}.items():
            self.send_header(name, value)
        self.end_headers()

    def send_body(self, hub, body, fault):
        with hub.lock:
            hub.active += 1
            hub.peak = max(hub.peak, hub.active)
            hub.lock.notify_all()
            if fault.wait_for_peers:
                hub.lock.wait_for(lambda: hub.peak >= fault.wait_for_peers, timeout=20)
        try:
            limit = next((n for n in (fault.cut_after, fault.stall_after) if n is not None), len(body))
            for at in range(0, limit, CHUNK):
                self.wfile.write(body[at:min(at + CHUNK, limit)])
                if fault.trickle:
                    hub.released.wait(0.2)
            self.wfile.flush()
            if fault.stall_after is not None:
                hub.released.wait(60)
            if limit < len(body) or (fault.content_length or 0) > len(body):
                self.close_connection = True
                self.connection.shutdown(socket.SHUT_RDWR)
        finally:
            with hub.lock:
                hub.active -= 1


class Server:
    """One HTTPS (or, without a certificate, HTTP) server on a free port of 127.0.0.1."""

    def __init__(self, name, hub, certificate=None, key=None):
        self.http = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.http.daemon_threads = True
        self.http.hub = hub
        self.http.name = name
        self.scheme = "http"
        if certificate:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(certificate, key)
            # The handshake belongs to the connection's thread: a client that refuses it must not stop the others.
            self.http.socket = context.wrap_socket(self.http.socket, server_side=True, do_handshake_on_connect=False)
            self.scheme = "https"
        self.http.handle_error = lambda *args: None
        self.thread = threading.Thread(target=self.http.serve_forever, daemon=True)
        self.thread.start()

    def url(self, host="127.0.0.1"):
        return f"{self.scheme}://{host}:{self.http.server_address[1]}"

    def close(self):
        self.http.shutdown()
        self.http.server_close()
        self.thread.join()
