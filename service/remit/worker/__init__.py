"""The program inside a session's unit: it holds the policy, decides, runs and buffers."""
