"""A neighbour that connects to both servers, says nothing, and keeps each of the eight ports of the range."""
import errno
import socket
import time

held = []
for address in ("127.0.0.11", "127.0.0.12"):
    taken = 0
    while taken < 8:
        connection = socket.socket()
        try:
            connection.connect((address, 8080))
        except OSError as error:  # HAProxy's check holds one for a moment
            if error.errno != errno.EADDRNOTAVAIL:
                raise
            connection.close()
            time.sleep(0.1)
        else:
            held.append(connection)
            taken += 1
time.sleep(3600)
