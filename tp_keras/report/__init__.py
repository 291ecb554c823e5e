"""Tables and figures of finished runs beside the paper's: reads run folders, never TensorFlow."""
