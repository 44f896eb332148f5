"""The tables behind `huigong.models`, a file per banner of what the office remembers."""
