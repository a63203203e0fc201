"""Photos of flowers in five classes (TensorFlow, 2016)."""

from pathlib import Path

from core.files.download import RemoteFile, Request, download_archive
from datamodules.class_folders import ClassFoldersDataModule
from datamodules.images.splits import ClassifiedImages

FOLDER = "flower_photos"
ARCHIVE = RemoteFile(
    "flower_photos.tgz",
    ["https://storage.googleapis.com/download.tensorflow.org/example_images/flower_photos.tgz"],
    "6f87fb78e9cc9ab41eff2015b380011d",
)
DOWNLOADED = "TensorFlow's flowers"
CLASSES = ("daisy", "dandelion", "roses", "sunflowers", "tulips")


class FlowersDataModule(ClassFoldersDataModule):
    """TensorFlow's 3,670 photos of flowers, or any pictures in `<class>/*`, divided file by file.

    `data_dir` is searched for `train/<class>/*` and what else `ImageFolderDataModule` reads, then for
    `flower_photos/<class>/*` and for `<class>/*`; without any of them, TensorFlow's archive (218 MiB) is downloaded.
    The other arguments are those of `ClassFoldersDataModule`, which downloads nothing.

    Args:
        data_dir: Folder of the pictures; a download is saved there.

    Raises:
        InputError: Settings exclude each other, or a class has no pictures.
    """

    name = "flowers"

    def find_root(self, data_dir: Path) -> Path:
        """Returns the folder of the class folders: the archive's, or `data_dir` itself."""
        return data_dir / FOLDER if (data_dir / FOLDER).is_dir() else data_dir

    def classes_to_fetch(self) -> tuple[str, ...]:
        """Returns the archive's classes."""
        return CLASSES

    def read(self) -> dict[str, ClassifiedImages]:
        """Reads all pictures once, after a download if there are none, and divides them.

        Raises:
            InputError: The download failed, some cannot be read, or there are too few.
        """
        if not self.files["train"]:
            holds = self.empty_folders() or f"neither {FOLDER} nor class folders"
            request = Request(self.data_dir, holds, DOWNLOADED, self.stand_in)
            download_archive(ARCHIVE, FOLDER, self.data_dir, request)
            self.files, self.class_names = self.list_files(self.data_dir)
        return super().read()
