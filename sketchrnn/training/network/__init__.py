"""The network in torch: encoder, decoder, their recurrent cells, the mixture and the losses."""
