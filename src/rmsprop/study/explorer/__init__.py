"""One page on which gradient descent, AdaGrad, RMSprop and Adam are explored: `rmsprop explore`."""
