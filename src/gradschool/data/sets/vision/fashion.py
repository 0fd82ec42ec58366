"""Fashion-MNIST: 70,000 articles of clothing of 28 by 28 pixels, made to replace MNIST."""

from gradschool.data.setinfo import RemoteFile
from gradschool.data.vision.idx import read_idx_set
from gradschool.data.vision.pictureset import PictureSet

BASE = "http://fashion-mnist.s3-website.eu-central-1.amazonaws.com/"
SET = PictureSet(
    name="fashion",
    title="Fashion-MNIST",
    classes=[
        "T-shirt",
        "Trouser",
        "Pullover",
        "Dress",
        "Coat",
        "Sandal",
        "Shirt",
        "Sneaker",
        "Bag",
        "Ankle boot",
    ],
    licence="MIT",
    source="Xiao et al. 2017, arXiv 1708.07747",
    files=[
        RemoteFile(f"{name}.gz", f"{BASE}{name}.gz", size, f"md5:{md5}")
        for name, size, md5 in [
            ("train-images-idx3-ubyte", 26421880, "8d4fb7e6c68d591d4c3dfef9ec88bf0d"),
            ("train-labels-idx1-ubyte", 29515, "25c81989df183df01b3e8a0aad5dffbe"),
            ("t10k-images-idx3-ubyte", 4422102, "bef4ecab320f06d8554ea6380940ec79"),
            ("t10k-labels-idx1-ubyte", 5148, "bb300cfdad3c16e7a12a480ee83cd310"),
        ]
    ],
    read=read_idx_set,
    packs=["fashion-mnist", "fashion"],
    places=["/usr/share/datasets/fashion-mnist"],
    package="dataset-fashion-mnist",
    aliases=["fashion-mnist", "fmnist"],
)
