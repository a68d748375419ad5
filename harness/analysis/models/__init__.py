"""What time costs against size and against workers, and what that predicts, from one run."""
