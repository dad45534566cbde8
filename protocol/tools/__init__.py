"""Parts of the generator of the protocol reference."""
