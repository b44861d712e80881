package railway

//go:generate go tool genqlient genqlient.yaml
