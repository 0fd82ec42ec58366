"""Run folders written by gradschool 0.1.0 name no kind of run: what each of its recipes was."""

RECIPES = {
    "autoencoder": "ae_mnist",
    "flow": "cflow_mnist flow_mnist",
    "gan": "cgan_mnist dcgan_cifar10 dcgan_cifar10_gpu dcgan_mnist gan_mnist gan_xray wgan_gp_mnist",
    "classifier": "cifar10 digits fashion fashion_best folder food101 kmnist mnist mnist_best "
    "natural_animals natural_animals_baseline natural_animals_best simple_ffn simple_ffn_improved "
    "xray_detect",
    "speed": "cifar10_gpu",
    "vae": "cvae_fashion vae_binary_mnist vae_digits vae_fashion vae_mnist vae_photos vae_xray",
    "ddpm": "ddpm_digits ddpm_mnist",
    "restorer": "denoise_chest impute_chest impute_digits",
    "edm": "edm_cifar10",
    "transfer": "hymenoptera_transfer",
    "iwae": "iwae_mnist",
    "latent_diffusion": "latent_photos",
    "perceptron": "perceptron",
    "gaps": "restore_lines",
    "score_matching": "score_rings",
    "segmenter": "unet_camvid unet_membrane",
    "vae_squares": "vae_squares",
    "vq": "vqvae_mnist",
}
KINDS = {recipe: kind for kind, recipes in RECIPES.items() for recipe in recipes.split()}
