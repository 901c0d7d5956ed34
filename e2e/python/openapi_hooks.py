"""How schemathesis sends the bodies that it has no serializer for."""

import schemathesis


@schemathesis.serializer("application/x-ndjson")
def lines(context, value):
    return value if isinstance(value, bytes) else str(value).encode("utf-8", errors="surrogatepass")
