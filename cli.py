from sketchrnn.cli import main

main()
