"""What makes the network fast on a CPU, each part interchangeable with torch's own."""
