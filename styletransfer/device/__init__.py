"""What the machine offers: devices, number formats, threads, memory."""
