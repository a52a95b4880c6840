"""A server that takes its time: /root/file in pieces of 64 KiB, one each 0.4 s, to whoever asks."""
import http.server
import time


class Drip(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open("/root/file", "rb") as file:
            whole = file.read()
        self.send_response(200)
        self.send_header("Content-Length", str(len(whole)))
        self.end_headers()
        for start in range(0, len(whole), 65536):
            self.wfile.write(whole[start:start + 65536])
            time.sleep(0.4)


http.server.ThreadingHTTPServer(("127.0.0.13", 8080), Drip).serve_forever()
