"""What the gateway tells about itself: log lines and metrics, each defined once.

Whatever leaves the process here is read by many people and kept for long, so it is bounded in size
and carries no secret and no card number, whoever wrote the line.

    logging    one line per event, JSON or for people, of our own code and of the libraries
    redaction  what is masked and cut in every value of a line
    metrics    every Prometheus metric, in one class
"""
