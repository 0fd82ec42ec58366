"""NumPy only: the neuron, the perceptron, automatic differentiation and backpropagation, from nothing."""
