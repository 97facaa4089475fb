"""The smallest Flask receiver that is safe to start from. Flask 2.2 and later.

It checks X-Broxi-Signature against the body alone, so a recorded request stays valid for ever; ../secure closes
that gap. It does not de-duplicate: a delivery that is retried is handled again.
"""

import hashlib
import hmac
import json
import os
import sys

from flask import Flask, jsonify, request
from werkzeug.serving import make_server

SECRET = os.environ.get("WEBHOOK_SECRET")
if not SECRET:
    sys.exit("WEBHOOK_SECRET is not set: give it the secret that was shown when the webhook was created.")

# One event may have 256 KiB and a batch 1 MiB.
MAX_BODY_BYTES = 2 * 1024 * 1024

app = Flask(__name__)


def workflow_completed(data):
    return f"workflow {data['workflow_id']} completed, run {data['run_id']}"


def workflow_failed(data):
    return f"workflow {data['workflow_id']} failed with {data['error']['code']}, run {data['run_id']}"


def user_message_received(data):
    return f"message {data['message']['id']} from {data['user_id']}, session {data['session_id']}"


HANDLERS = {
    "workflow.completed": workflow_completed,
    "workflow.failed": workflow_failed,
    "user.message.received": user_message_received,
}


@app.post("/webhooks/broxi")
def receive():
    # The bytes as they came: Python writes JSON differently (spaces, 1.0), so a re-serialised body would not match.
    body = read_body()
    if body is None:
        return jsonify(error=f"the body has more than {MAX_BODY_BYTES} bytes"), 413
    if not is_signed(body, request.headers.get("X-Broxi-Signature", "")):
        return jsonify(error="invalid signature"), 401

    payload = json.loads(body)
    event = payload["event"]
    handler = HANDLERS.get(event)
    try:
        summary = handler(payload["data"]) if handler else "no handler for this event"
    except Exception:
        app.logger.exception("could not process %s", payload.get("delivery_id"))
        return jsonify(error="processing failed"), 500

    # One write per line: print() makes two, and the lines of two threads could mix.
    line = json.dumps({"received": event, "delivery_id": payload["delivery_id"], "summary": summary})
    sys.stdout.write(line + "\n")
    sys.stdout.flush()
    return jsonify(status="ok")


def read_body():
    """The raw bytes, or None when there are too many. Flask before 2.3 does not hold raw bodies to MAX_CONTENT_LENGTH."""
    body = bytearray()
    while chunk := request.stream.read(64 * 1024):
        body += chunk
        if len(body) > MAX_BODY_BYTES:
            return None
    return bytes(body)


def is_signed(body, signature):
    expected = hmac.new(SECRET.encode(), body, hashlib.sha256).hexdigest()
    # Compared as bytes: compare_digest raises on text outside ASCII, which a hostile header may hold.
    return hmac.compare_digest(signature.encode(), expected.encode())


def main():
    port = os.environ.get("PORT") or "5000"
    if not (port.isascii() and port.isdigit() and int(port) <= 65535):
        sys.exit(f"PORT is {port}: give it a whole number from 0 (any free port) to 65535.")
    # make_server rather than app.run: it tells which port was picked when PORT is 0.
    server = make_server("127.0.0.1", int(port), app, threaded=True)
    print(f"listening on http://127.0.0.1:{server.server_port}/webhooks/broxi", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    main()
