"""mountain2022's tables 2 and 3: NME by network and augmentation."""
from faceparse.papers import mountain2022
from faceparse.papers.mountain2022 import by_augmentation


def entry(arch, augment, nme, count=1000, data="toy"):
    return {"arch": arch, "encoder": "resnet18", "training_set": f"facesynthetics-limit{count}", "trained_on": count,
            "augment": augment, "nme": nme, "set": data}


def rows(header, cells):
    return [header, *cells]


def test_nme_is_averaged_by_training_set_network_and_augmentation():
    entries = [entry("pipnet", "all", 0.131), entry("pipnet", "none", 0.144), entry("regressor", "none", 0.79),
               entry("pipnet", None, 0.2), entry("pipnet", "all", 0.133), entry("pipnet", "all", 0.139, 10000)]
    small, small_table, large, large_table = by_augmentation(entries, rows)
    assert "facesynthetics-limit1000, 1000 faces" in small and "limit10000, 10000 faces" in large
    assert small_table == [["augmentation", "pipnet over resnet18", "regressor over resnet18"],
                           ["none", "14.40", "79.00"], ["all", "13.20", "-"], ["the recipe's", "20.00", "-"]]
    assert large_table == [["augmentation", "pipnet over resnet18"], ["all", "13.90"]]
    assert by_augmentation(entries[:1] + entries[4:], rows) == []


def test_scores_on_300w_stand_above_the_printed_tables():
    *_, second, printed_2, third, printed_3 = by_augmentation(
        [entry("pipnet", "all", 0.1, data="300w"), entry("pipnet", "none", 0.2, data="300w")], rows)
    assert "Table 2" in second and "Table 3" in third
    assert printed_2[2] == ["translate+occlude", "58.30", "13.80", "45.43"] and len(printed_3) == 4


def test_pipnet_gains_from_every_augmentation_in_both_printed_tables():
    for table in (mountain2022.TABLE_2, mountain2022.TABLE_3):
        none, some, all_of_them = (row[mountain2022.NETWORKS.index("PIPNet")] for row in table)
        assert none > some > all_of_them
