"""What the ops of gradschool.ops.practice refuse."""
