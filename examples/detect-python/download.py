import time
import urllib.error
import urllib.request
from http.client import HTTPException

from errors import PictureError

MAX_BYTES = 20 * 1024 * 1024
MAX_REDIRECTS = 3
TIMEOUT_SECONDS = 10
CHUNK_BYTES = 64 * 1024


class _FewRedirects(urllib.request.HTTPRedirectHandler):
    max_redirections = MAX_REDIRECTS

    def redirect_request(self, req, fp, code, msg, headers, newurl):
        if not newurl.lower().startswith(("http:", "https:")):
            raise PictureError(502, f"{req.full_url} leads to {newurl}")
        return super().redirect_request(req, fp, code, msg, headers, newurl)


def download(url: str) -> bytes:
    """Fetches a picture over http or https, within limits of size, time and redirects."""
    deadline = time.monotonic() + TIMEOUT_SECONDS
    # Made per call: an opener holds nothing that is worth keeping, and a snapshot should hold no connections.
    opener = urllib.request.build_opener(_FewRedirects)
    try:
        with opener.open(url, timeout=TIMEOUT_SECONDS) as response:
            return _read_body(response, deadline)
    except urllib.error.HTTPError as error:
        error.close()
        raise PictureError(502, f"{url} answered {error.code}") from error
    except urllib.error.URLError as error:
        raise PictureError(502, f"cannot fetch {url}: {error.reason}") from error
    except (OSError, ValueError, HTTPException) as error:
        raise PictureError(502, f"cannot fetch {url}: {error}") from error


def _read_body(response, deadline: float) -> bytes:
    body = bytearray()
    while chunk := response.read1(CHUNK_BYTES):
        body += chunk
        if len(body) > MAX_BYTES:
            raise PictureError(413, f"the picture is larger than {MAX_BYTES // 1024 // 1024} MB")
        if time.monotonic() > deadline:
            raise TimeoutError(f"not complete after {TIMEOUT_SECONDS} s")
    return bytes(body)
