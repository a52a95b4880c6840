"""A server that takes its time: /root/file in pieces of 4 KiB, one each 0.4 s, to whoever asks; all that is left of it once
hamedic has applied its plan, however long that took."""
import http.server
import os
import time


class Drip(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open("/root/file", "rb") as file:
            whole = file.read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(whole)))
        self.end_headers()
        for start in range(0, len(whole), 4096):
            self.wfile.write(whole[start:start + 4096])
            if not os.path.exists("/root/applied"):
                time.sleep(0.4)


http.server.ThreadingHTTPServer(("127.0.0.13", 8080), Drip).serve_forever()
