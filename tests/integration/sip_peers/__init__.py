"""Programs of others at the far end of our calls, and over their shoulder: SIPp and tshark, on loopback UDP."""
