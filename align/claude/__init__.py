"""Claude as a service: requests, what they cost, and how they are sent. All through the gate."""
