"""The engine: text in, values out. It knows the domain and neither editors, files nor the wire."""
